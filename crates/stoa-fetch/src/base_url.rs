//! The URL of a GOPROXY server.

use std::{fmt, str::FromStr};

use percent_encoding::percent_decode_str;
use url::Url;

use crate::{ListError, SourceName, outbound::Authorization};

/// The base URL of a GOPROXY server, its credentials kept apart so that nothing prints them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    url: Url,
    credentials: Option<Authorization>,
    name: SourceName,
}

impl BaseUrl {
    /// Reads an http or https URL. A user part is allowed for https only, as in cmd/go.
    pub(crate) fn parse(text: &str) -> Result<Self, ListError> {
        let bad = |reason: &str| ListError::new(format!("bad upstream URL: {reason}"));
        let mut url = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad(&format!(
                "scheme {:?} is not http, https or file",
                url.scheme()
            )));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("a query or fragment has no meaning here"));
        }
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            _ if url.scheme() == "http" => {
                return Err(bad(
                    "credentials would cross the network in clear text; use https",
                ));
            }
            (user, password) => {
                let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
                let basic = Authorization::basic(&decode(user), &decode(password.unwrap_or_default()));
                Some(basic.ok_or_else(|| bad("credentials with control characters"))?)
            }
        };
        // Setting them fails only for URLs that cannot have a host, and http URLs have one.
        let _always = url.set_username("").and_then(|()| url.set_password(None));
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        let name = SourceName::new(url.as_str().trim_end_matches('/'));
        Ok(Self {
            url,
            credentials,
            name,
        })
    }

    /// The URL of an escaped path below this one. `!` is percent-encoded as cmd/go sends it; every other character is
    /// sent as it is.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let base = self.url.path().trim_end_matches('/');
        url.set_path(&format!("{base}/{}", path.replace('!', "%21")));
        url
    }

    /// What is sent as basic authentication.
    pub(crate) fn credentials(&self) -> Option<&Authorization> {
        self.credentials.as_ref()
    }

    /// The same server, called as another one.
    pub(crate) fn called(self, other: &Self) -> Self {
        Self {
            name: other.name.clone(),
            ..self
        }
    }

    /// Whether it has a user or a password, which nothing prints.
    pub fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// The URL without credentials.
    pub fn name(&self) -> &SourceName {
        &self.name
    }
}

/// Takes what an entry of an upstream list may be: an http or https URL, with a user part for https only.
impl FromStr for BaseUrl {
    type Err = ListError;

    fn from_str(text: &str) -> Result<Self, ListError> {
        Self::parse(text)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use stoa_module::Resource;

    use super::*;

    #[test]
    fn credentials_are_split_off_and_never_printed() {
        let base = BaseUrl::parse("https://bot:s3cr%65t@goproxy.example/a/b/").expect("url");
        assert_eq!(base.to_string(), "https://goproxy.example/a/b");
        assert!(!format!("{base:?}").contains("s3cret"));
        assert_eq!(base.credentials, Authorization::basic("bot", "s3cret"));
    }

    #[test]
    fn the_path_of_the_base_is_kept_and_exclamation_marks_are_encoded() {
        let base = BaseUrl::parse("http://127.0.0.1:1/go/").expect("url");
        let resource = Resource::parse("github.com/!a/b/@v/v2.0.0+incompatible.zip")
            .expect("ok")
            .expect("ok");
        let want = "http://127.0.0.1:1/go/github.com/%21a/b/@v/v2.0.0+incompatible.zip";
        assert_eq!(base.join(&resource.path()).as_str(), want);
    }

    #[test]
    fn bad_urls_say_why() {
        for (url, reason) in [
            ("ftp://a.example", "scheme \"ftp\" is not http, https or file"),
            ("http://u:p@a.example", "clear text"),
            ("https://a.example?x=1", "query or fragment"),
        ] {
            let error = BaseUrl::parse(url).expect_err(url).to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
