//! What comes from outside, and where a value came from.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use url::Url;

use super::file::Place;

/// What comes from outside of the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    /// `--config`.
    pub(crate) file: Option<PathBuf>,
    /// Values by key, from flags.
    pub(crate) flags: BTreeMap<&'static str, String>,
    /// Values by variable name, from the environment.
    pub(crate) environment: BTreeMap<String, String>,
    /// The directory for data when `storage` is not set.
    pub(crate) data_home: Option<PathBuf>,
    /// The whole environment, for values that name a variable.
    pub(crate) variables: Variables,
}

/// Environment variables, which may hold secrets.
#[derive(Clone, Default)]
pub(crate) struct Variables(pub(crate) BTreeMap<String, String>);

impl Variables {
    /// The value of a variable that is set.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The netrc file that programs read: the one that `NETRC` names, else `.netrc` in the home.
    pub(crate) fn netrc(&self) -> Option<PathBuf> {
        let set = |name| self.get(name).filter(|value: &&str| !value.is_empty());
        set("NETRC")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(set("HOME")?).join(".netrc")))
    }

    /// The hosts of the proxies for outbound HTTP.
    pub(crate) fn proxy_hosts(&self) -> Vec<String> {
        let names = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"];
        let names = names
            .into_iter()
            .flat_map(|name| [name.to_owned(), name.to_lowercase()]);
        let values = names.filter_map(|name| self.0.get(&name));
        let host = |value: &String| {
            let url = if value.contains("://") {
                Url::parse(value)
            } else {
                Url::parse(&format!("http://{value}"))
            };
            url.ok()?.host_str().map(str::to_owned)
        };
        values.filter_map(host).collect()
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Variables({})", self.0.len())
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File(Place),
    Environment(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(place) => write!(f, "{place}"),
            Self::Environment(variable) => f.write_str(variable),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}
