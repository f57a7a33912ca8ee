//! What is new in repositories.

use std::{fmt, str::FromStr};

use stoa_module::ModulePath;
use url::Url;

/// A source that remembers for a moment what repositories said.
pub trait Renew: fmt::Debug + Send + Sync + 'static {
    /// Something is new somewhere: the next questions are asked of the repositories themselves.
    fn renew(&self);

    /// The modules that were found in a repository lately.
    fn modules_at(&self, place: &RepositoryPlace) -> Vec<ModulePath>;
}

/// Where a repository is, however one gets there: `git.example/team/tool` for `https://git.example/team/tool.git` and
/// for `git@git.example:team/tool.git`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RepositoryPlace(String);

/// The longest place, in bytes.
const LONGEST: usize = 1024;

/// A text that is no URL of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no URL of a repository")]
pub struct RepositoryPlaceError;

impl RepositoryPlace {
    /// Host and path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepositoryPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Takes a URL, or `user@host:path`.
impl FromStr for RepositoryPlace {
    type Err = RepositoryPlaceError;

    fn from_str(text: &str) -> Result<Self, RepositoryPlaceError> {
        let (host, path) = if text.contains("://") {
            let url = Url::parse(text).map_err(|_| RepositoryPlaceError)?;
            let host = url.host_str().ok_or(RepositoryPlaceError)?.to_ascii_lowercase();
            (host, url.path().to_owned())
        } else {
            let (host, path) = text.split_once(':').ok_or(RepositoryPlaceError)?;
            let host = host.rsplit('@').next().unwrap_or_default();
            (host.to_ascii_lowercase(), path.to_owned())
        };
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
        if host.len() + path.len() > LONGEST {
            return Err(RepositoryPlaceError);
        }
        // A comma would be two patterns, and a star more than one place.
        let is_odd = |byte: u8| !byte.is_ascii_graphic() || b",*?[\\%".contains(&byte);
        if host.is_empty() || path.is_empty() || host.bytes().chain(path.bytes()).any(is_odd) {
            return Err(RepositoryPlaceError);
        }
        Ok(Self(format!("{host}/{path}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_one_gets_there_it_is_the_same_place() {
        for text in [
            "https://git.example/Team/tool",
            "https://GIT.example/Team/tool.git",
            "https://user:word@git.example:8443/Team/tool.git/",
            "ssh://git@git.example:22/Team/tool.git",
            "git@git.example:Team/tool.git",
            "git.example:/Team/tool",
        ] {
            let place: RepositoryPlace = text.parse().expect(text);
            assert_eq!(place.as_str(), "git.example/Team/tool", "{text}");
        }
        for text in [
            "",
            "git.example",
            "https://git.example/",
            "https:///x",
            "https://git.example/a,b",
            "git@git.example:*",
            ":x",
        ] {
            assert!(text.parse::<RepositoryPlace>().is_err(), "{text}");
        }
    }
}
