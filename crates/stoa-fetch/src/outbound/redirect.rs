//! Where a redirect leads.

use std::sync::Arc;

use http::{HeaderMap, StatusCode, header::LOCATION};
use url::Url;

use crate::{FetchError, SourceName};

/// A redirect that cannot or must not be followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedirectError {
    /// From https to http.
    #[error("redirected from a secure URL to an insecure one")]
    Insecure,
    /// Elsewhere.
    #[error("{0}")]
    Other(String),
}

impl RedirectError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self::Other(reason.into())
    }

    pub(crate) fn too_many() -> Self {
        Self::new("stopped after 10 redirects")
    }

    pub(crate) fn into_error(self, source_name: &SourceName) -> FetchError {
        FetchError::Unreadable {
            source_name: source_name.clone(),
            cause: Arc::new(self),
        }
    }
}

/// The URL that a redirect names; `None` for every other answer, and for a redirect that names none.
///
/// As for the go command, nothing leads from https to http. A user and password in the URL are the redirecting server's
/// idea, not ours: they are not sent.
pub(crate) fn next_hop(
    from: &Url,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Option<Url>, RedirectError> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = headers.get(LOCATION) else {
        return Ok(None);
    };
    let location = location
        .to_str()
        .map_err(|_| RedirectError::new("redirected to something that is no URL"))?;
    let mut next = from
        .join(location)
        .map_err(|error| RedirectError::new(format!("redirected to something that is no URL: {error}")))?;
    match next.scheme() {
        "http" if from.scheme() == "https" => {
            return Err(RedirectError::Insecure);
        }
        "http" | "https" => {}
        scheme => {
            return Err(RedirectError::new(format!(
                "redirected to the scheme {scheme:?}, which is not http or https"
            )));
        }
    }
    // Setting them fails only for URLs that cannot have a host, and http URLs have one.
    let _always = next.set_username("").and_then(|()| next.set_password(None));
    next.set_fragment(None);
    Ok(Some(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(from: &str, status: u16, location: &str) -> Result<Option<String>, String> {
        let headers = [(LOCATION, location.parse().expect("value"))]
            .into_iter()
            .collect();
        let status = StatusCode::from_u16(status).expect("status");
        let next = next_hop(&from.parse().expect("url"), status, &headers);
        next.map(|url| url.map(String::from)).map_err(|e| e.to_string())
    }

    #[test]
    fn redirects_are_resolved_against_where_they_come_from() {
        let from = "https://a.example/go/mod";
        for (location, want) in [
            ("/x", "https://a.example/x"),
            ("x?y", "https://a.example/go/x?y"),
            ("//b.example/z", "https://b.example/z"),
            ("https://bot:secret@b.example/z#part", "https://b.example/z"),
        ] {
            assert_eq!(hop(from, 302, location), Ok(Some(want.to_owned())), "{location}");
        }
        assert_eq!(
            hop("http://a.example/", 308, "https://a.example/"),
            Ok(Some("https://a.example/".to_owned()))
        );
        for status in [200, 300, 304, 404] {
            assert_eq!(hop(from, status, "/x"), Ok(None), "{status}");
        }
    }

    #[test]
    fn redirects_that_must_not_be_followed_say_why() {
        for (location, why) in [
            ("http://a.example/", "from a secure URL to an insecure one"),
            ("file:///etc/passwd", "scheme \"file\""),
            ("ftp://a.example/", "scheme \"ftp\""),
            ("https://", "no URL"),
        ] {
            let error = hop("https://a.example/", 301, location).expect_err(location);
            assert!(error.contains(why), "{error}");
        }
    }
}
