//! What comes from outside, and where a value came from.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use crate::file::Place;

/// What comes from outside: which file to read, and everything that is not in it. The program fills it in from its
/// command line and its environment.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The file to read, in TOML. The program takes it from a flag, or from the variable that
    /// [`Tables::file_variable`](crate::Tables::file_variable) names.
    pub file: Option<PathBuf>,
    /// Values from flags, by key with its table: `listen`, `cache.list_ttl`.
    pub flags: BTreeMap<&'static str, String>,
    /// Values from the environment, by variable: those that begin with the name of the program.
    pub environment: BTreeMap<String, String>,
    /// The directory for a user's data, for defaults that are below it.
    pub data_home: Option<PathBuf>,
    /// The whole environment, for values that name a variable.
    pub variables: Variables,
}

/// Environment variables, which may hold secrets. `Debug` prints only how many there are.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// These variables, by name.
    pub fn new(variables: BTreeMap<String, String>) -> Self {
        Self(variables)
    }

    /// The value of a variable that is set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Names and values of the variables whose name begins with `prefix`.
    pub fn beginning_with(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        let from = self.0.range(prefix.to_owned()..);
        from.map(|(name, value)| (name.as_str(), value.as_str()))
            .take_while(move |(name, _)| name.starts_with(prefix))
    }
}

/// These variables, by name.
impl<const N: usize> From<[(&str, &str); N]> for Variables {
    fn from(variables: [(&str, &str); N]) -> Self {
        let owned = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self(owned.into())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Variables({})", self.0.len())
    }
}

/// Where a value came from. `Display` is what `show` and faults print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was not written anywhere.
    Default,
    /// The file.
    File(Place),
    /// The environment variable of this name.
    Environment(String),
    /// The flag of this name, dashes included.
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
