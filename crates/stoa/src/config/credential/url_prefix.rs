//! What a credential is for.

use url::Url;

/// The schemes that a prefix may have.
const SCHEMES: [&str; 7] = ["https", "http", "ssh", "git+ssh", "svn", "svn+ssh", "bzr+ssh"];

/// URLs of one scheme, host and port, at a path or below it.
///
/// It ends where an element ends: `https://git.example` is no beginning of `https://git.example.evil`. Without a user it
/// is for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UrlPrefix {
    scheme: String,
    user: String,
    host: String,
    port: Option<u16>,
    /// Without a slash at the end.
    path: String,
}

impl UrlPrefix {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("{text:?} is no URL: {error}"))?;
        if !SCHEMES.contains(&url.scheme()) {
            return Err(format!(
                "scheme {:?} is none of {}",
                url.scheme(),
                SCHEMES.join(", ")
            ));
        }
        if url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err("a password, query or fragment does not belong into it".to_owned());
        }
        let prefix = Self::of(&url);
        if prefix.host.is_empty() {
            return Err(format!("{text:?} has no host"));
        }
        Ok(prefix)
    }

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

    pub(super) fn fits(&self, url: &Url) -> bool {
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

    pub(super) fn is_ssh(&self) -> bool {
        self.scheme.ends_with("ssh")
    }
}
