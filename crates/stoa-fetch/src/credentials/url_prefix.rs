//! What a credential is for.

use std::str::FromStr;

use url::Url;

use crate::shown_url::shown_url;

/// The schemes that a prefix may have.
const SCHEMES: [&str; 7] = ["https", "http", "ssh", "git+ssh", "svn", "svn+ssh", "bzr+ssh"];

/// URLs of one scheme, host and port, at a path or below it.
///
/// It ends where an element ends: `https://git.example` is no beginning of `https://git.example.evil`. Without a user it
/// is for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlPrefix {
    scheme: String,
    user: String,
    host: String,
    port: Option<u16>,
    /// Without a slash at the end.
    path: String,
}

/// Why a text is no prefix. Nothing of its password is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlPrefixError {
    /// It is no URL.
    #[error("{text:?} is no URL: {error}")]
    NoUrl {
        /// The text.
        text: String,
        /// What is wrong with it.
        #[source]
        error: url::ParseError,
    },
    /// Nothing is fetched by this scheme.
    #[error("scheme {0:?} is none of {known}", known = SCHEMES.join(", "))]
    Scheme(String),
    /// It has a part that no prefix has.
    #[error("a password, query or fragment does not belong into it")]
    TooMuch,
    /// It has no host.
    #[error("{0:?} has no host")]
    NoHost(String),
}

impl FromStr for UrlPrefix {
    type Err = UrlPrefixError;

    fn from_str(text: &str) -> Result<Self, UrlPrefixError> {
        let url = Url::parse(text).map_err(|error| UrlPrefixError::NoUrl {
            text: shown_url(text).into_owned(),
            error,
        })?;
        if !SCHEMES.contains(&url.scheme()) {
            return Err(UrlPrefixError::Scheme(url.scheme().to_owned()));
        }
        if url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(UrlPrefixError::TooMuch);
        }
        let prefix = Self::of(&url);
        if prefix.host.is_empty() {
            return Err(UrlPrefixError::NoHost(shown_url(text).into_owned()));
        }
        Ok(prefix)
    }
}

impl UrlPrefix {
    fn of(url: &Url) -> Self {
        let known = || url.scheme().ends_with("ssh").then_some(22);
        Self {
            scheme: url.scheme().to_owned(),
            user: url.username().to_owned(),
            host: url.host_str().unwrap_or_default().to_ascii_lowercase(),
            port: url.port_or_known_default().or_else(known),
            path: url.path().trim_end_matches('/').to_owned(),
        }
    }

    /// Whether the URL is one of these.
    pub fn fits(&self, url: &Url) -> bool {
        let other = Self::of(url);
        let below = other.path.strip_prefix(&self.path);
        self.scheme == other.scheme
            && self.host == other.host
            && self.port == other.port
            && (self.user.is_empty() || self.user == other.user)
            && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The longest path counts; of two that are alike the one with a user.
    pub(super) fn weight(&self) -> (usize, usize) {
        (self.path.len(), self.user.len())
    }

    /// The user that URLs must name, if one has to be named.
    pub fn user(&self) -> Option<&str> {
        Some(self.user.as_str()).filter(|user| !user.is_empty())
    }

    /// Whether ssh is what speaks with its host, which takes keys and no passwords.
    pub fn is_ssh(&self) -> bool {
        self.scheme.ends_with("ssh")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_prefix_says_why_without_the_password() {
        for (text, want) in [
            ("y", "\"y\" is no URL: relative URL without a base"),
            (
                "ftp://a.example",
                "scheme \"ftp\" is none of https, http, ssh, git+ssh, svn, svn+ssh, bzr+ssh",
            ),
            (
                "https://u:p4ss@a.example",
                "a password, query or fragment does not belong into it",
            ),
            (
                "https://a.example/?q",
                "a password, query or fragment does not belong into it",
            ),
            ("ssh:///x", "\"ssh:///x\" has no host"),
        ] {
            assert_eq!(text.parse::<UrlPrefix>().expect_err(text).to_string(), want);
        }
    }
}
