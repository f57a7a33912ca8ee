//! Questions that come back.

use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};

/// How many proxies a question may pass.
const MOST: usize = 16;
/// How long their names may be together, in bytes.
const LONGEST: usize = 1024;

/// The name of this proxy in `CDN-Loop`: another one for each process, so that proxies may stand one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyId(Arc<str>);

/// The proxies that a question has passed, as the header `CDN-Loop` names them (RFC 8586).
///
/// A page or an upstream may lead back to this proxy, which would wait for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passed(Names);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Names {
    #[default]
    None,
    /// As the header has them.
    Some(Arc<str>),
    /// More than may be: it goes in circles somewhere.
    TooMany,
}

impl ProxyId {
    /// The name with this number, which should be random.
    pub fn new(number: u64) -> Self {
        Self(format!("stoa-{number:016x}").into())
    }
}

impl Passed {
    /// The header of requests.
    pub const HEADER: HeaderName = HeaderName::from_static("cdn-loop");

    /// What the headers of a question say.
    pub fn read(headers: &HeaderMap) -> Self {
        let mut names = String::new();
        for value in headers.get_all(Self::HEADER) {
            // What is no text names nobody that we know.
            let Ok(text) = value.to_str() else { continue };
            if names.len() + text.len() > LONGEST {
                return Self(Names::TooMany);
            }
            if !names.is_empty() {
                names.push_str(", ");
            }
            names.push_str(text.trim());
        }
        Self(match names.split(',').count() {
            _ if names.is_empty() => Names::None,
            count if count >= MOST => Names::TooMany,
            _ => Names::Some(names.into()),
        })
    }

    /// Whether the question was here before, or goes in circles somewhere else.
    pub fn is_circle(&self, id: &ProxyId) -> bool {
        match &self.0 {
            Names::None => false,
            Names::TooMany => true,
            // Parameters follow a name behind a semicolon.
            Names::Some(names) => {
                let names = names.split(',').filter_map(|name| name.split(';').next());
                names.map(str::trim).any(|name| name == &*id.0)
            }
        }
    }

    /// The header of a request that this proxy sends for the question.
    pub fn and(&self, id: &ProxyId) -> HeaderValue {
        let text = match &self.0 {
            Names::Some(names) => format!("{names}, {id}"),
            Names::None | Names::TooMany => id.to_string(),
        };
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("stoa"))
    }
}

/// Without a number it tells nothing of circles through other proxies of this kind.
impl Default for ProxyId {
    fn default() -> Self {
        Self("stoa".into())
    }
}

impl fmt::Display for ProxyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Passed {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(Passed::HEADER, HeaderValue::from_str(value).expect("good"));
        }
        Passed::read(&headers)
    }

    #[test]
    fn a_question_that_was_here_is_known_in_any_dress() {
        let id = ProxyId::new(7);
        let sent = Passed::default().and(&id);
        let sent = sent.to_str().expect("text");
        assert_eq!(sent, "stoa-0000000000000007");
        for values in [
            vec![sent],
            vec!["cdn.example; v=1", sent],
            vec!["a, stoa-0000000000000007 ;x=\"y\", b"],
        ] {
            assert!(read(&values).is_circle(&id), "{values:?}");
        }
        for values in [vec![], vec![""], vec!["stoa"], vec!["stoa-0000000000000008, x"]] {
            assert!(!read(&values).is_circle(&id), "{values:?}");
        }
        assert_eq!(read(&["a;v=1", "b"]).and(&id), "a;v=1, b, stoa-0000000000000007");
    }

    #[test]
    fn a_question_that_has_passed_too_many_is_in_a_circle() {
        let id = ProxyId::new(7);
        assert!(!read(&["a,b,c"]).is_circle(&id));
        assert!(read(&[&["x"; MOST].join(",")]).is_circle(&id));
        assert!(read(&[&"x".repeat(LONGEST + 1)]).is_circle(&id));
        let near = "x".repeat(LONGEST - 2);
        assert!(!read(&[&near]).is_circle(&id) && read(&[&near, "abc"]).is_circle(&id));
    }
}
