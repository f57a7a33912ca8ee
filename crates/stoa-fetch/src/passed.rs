//! Questions that come back.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

/// How a name of a proxy of this kind begins, before 16 hexadecimal digits.
const PREFIX: &str = "stoa-";
/// How many other names are sent on: longer circles are found by their deadlines.
const MOST: usize = 8;

/// The proxies of this kind that a question has passed, as the header `CDN-Loop` names them (RFC 8586).
///
/// A page or an upstream may lead back to this proxy, which would wait for itself. Names of other systems are not sent on:
/// a client who writes them could make an upstream refuse what others wait for too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passed(Option<Arc<str>>);

/// The name of this proxy for one question. It is another one for each process and each module, so that who is asked for
/// one module cannot use it to stop another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyName(String);

/// The question was here before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InCircles;

impl ProxyName {
    /// The name with this number: a hash of what is asked, which nobody else can make.
    pub fn new(number: u64) -> Self {
        Self(format!("{PREFIX}{number:016x}"))
    }
}

impl Passed {
    /// The header of requests.
    pub const HEADER: HeaderName = HeaderName::from_static("cdn-loop");

    /// What a question with these headers has passed when it is here.
    ///
    /// # Errors
    /// If it was here before.
    pub fn here(headers: &HeaderMap, own: &ProxyName) -> Result<Self, InCircles> {
        let values = headers.get_all(Self::HEADER).iter();
        let texts = values.filter_map(|value| value.to_str().ok());
        // Parameters follow a name behind a semicolon.
        let names = texts
            .flat_map(|text| text.split(','))
            .filter_map(|name| name.split(';').next())
            .map(str::trim)
            .filter(|name| is_name(name));
        let names: Vec<_> = names.collect();
        if names.contains(&own.0.as_str()) {
            return Err(InCircles);
        }
        let newest = &names[names.len().saturating_sub(MOST)..];
        let all = newest.iter().copied().chain([own.0.as_str()]);
        Ok(Self(Some(all.collect::<Vec<_>>().join(", ").into())))
    }

    /// The header of a request that is sent for the question; `None` for one that no client has asked.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        self.0
            .as_deref()
            .and_then(|names| HeaderValue::try_from(names).ok())
    }
}

fn is_name(name: &str) -> bool {
    let digits = name.strip_prefix(PREFIX).unwrap_or_default();
    digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(values: &[&str], own: u64) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(Passed::HEADER, HeaderValue::from_str(value).expect("good"));
        }
        let passed = Passed::here(&headers, &ProxyName::new(own)).ok()?;
        let header = passed.header().expect("a header");
        Some(header.to_str().expect("text").to_owned())
    }

    #[test]
    fn a_question_that_was_here_is_known_in_any_dress() {
        let sent = here(&[], 7).expect("the first time");
        assert_eq!(sent, "stoa-0000000000000007");
        for values in [
            vec![sent.as_str()],
            vec!["cdn.example; v=1", &sent],
            vec!["a, stoa-0000000000000007 ;x=\"y\", b"],
            vec![&"x, ".repeat(5000), &sent],
        ] {
            assert_eq!(here(&values, 7), None, "{values:?}");
        }
        assert_eq!(
            here(&[&sent], 8).expect("another"),
            format!("{sent}, stoa-0000000000000008")
        );
    }

    #[test]
    fn only_names_of_this_kind_are_sent_on_and_not_all_of_them() {
        let own = ProxyName::new(7).0;
        for values in [
            vec![""],
            vec!["cloudflare; loops=1"],
            vec!["stoa", "stoa-7", "stoa-000000000000000g"],
        ] {
            assert_eq!(here(&values, 7), Some(own.clone()), "{values:?}");
        }
        let many: Vec<_> = (100..120).map(|number| ProxyName::new(number).0).collect();
        let sent = here(&[&many.join(",")], 7).expect("it was not here");
        assert_eq!(sent, [&many[12..], &[own]].concat().join(", "));
    }
}
