//! Which server of somebody else's.

use std::fmt;

use crate::error::StorageError;

/// The database of an Athens that was told no other.
const DATABASE: &str = "athens";

/// Where a server is that speaks Athens' external storage protocol. It has no credentials in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalPlace {
    base: String,
}

/// Which database of MongoDB. It has no credentials in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MongoPlace {
    scheme: &'static str,
    hosts: String,
    /// Empty for the default.
    database: String,
    /// With its question mark; may be empty.
    options: String,
}

impl ExternalPlace {
    /// Reads `//HOST/PATH`, which follows `scheme` and its colon.
    ///
    /// # Errors
    /// When it is anything else. Nothing of it is repeated: it may hold a secret.
    pub fn parse(scheme: &str, rest: &str) -> Result<Self, StorageError> {
        let invalid = |reason: &str| invalid(format!("{reason}: write {scheme}://HOST/PATH"));
        let rest = after_slashes(rest).ok_or_else(|| invalid("it names no host"))?;
        if rest.contains('@') {
            return Err(invalid(CREDENTIALS));
        }
        if rest.contains(['?', '#']) || !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(invalid("it has no query, no fragment and no unusual characters"));
        }
        Ok(Self {
            base: format!("{scheme}://{}", rest.trim_end_matches('/')),
        })
    }

    /// The URL that paths are appended to, without a slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }
}

impl MongoPlace {
    /// Reads `//HOST,HOST/DATABASE?OPTIONS`, which follows `scheme` and its colon.
    ///
    /// # Errors
    /// When it is anything else. Nothing of it is repeated: it may hold a secret.
    pub fn parse(scheme: &str, rest: &str) -> Result<Self, StorageError> {
        let invalid = |reason: &str| invalid(format!("{reason}: write {scheme}://HOST/DATABASE?OPTIONS"));
        let rest = after_slashes(rest).ok_or_else(|| invalid("it names no host"))?;
        if rest.contains('@') {
            return Err(invalid(CREDENTIALS));
        }
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(invalid("it has unusual characters"));
        }
        let (place, options) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
        let names = options.to_ascii_lowercase();
        if ["password", "token", "secret"]
            .iter()
            .any(|word| names.contains(word))
        {
            return Err(invalid(
                "one of its options is a password, which others could read",
            ));
        }
        let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
        if database.contains('/') {
            return Err(invalid("it names more than one database"));
        }
        let scheme = if scheme == "mongodb" {
            "mongodb"
        } else {
            "mongodb+srv"
        };
        Ok(Self {
            scheme,
            hosts: hosts.to_owned(),
            database: database.to_owned(),
            options: options.to_owned(),
        })
    }

    /// The database in which everything is.
    pub fn database(&self) -> &str {
        match self.database.as_str() {
            "" => DATABASE,
            database => database,
        }
    }

    /// What the driver connects with, for a user and a password: a secret, if there are some.
    pub fn connection_string(&self, user: Option<(&str, &str)>) -> String {
        let user = user.map(|(user, password)| format!("{}:{}@", encoded(user), encoded(password)));
        let user = user.unwrap_or_default();
        format!(
            "{}://{user}{}/{}{}",
            self.scheme, self.hosts, self.database, self.options
        )
    }
}

impl fmt::Display for ExternalPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl fmt::Display for MongoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.connection_string(None))
    }
}

const CREDENTIALS: &str = "it holds credentials, which belong in storage_options";

/// What follows the two slashes of a URL, if a host does.
fn after_slashes(rest: &str) -> Option<&str> {
    let rest = rest.strip_prefix("//")?;
    (!rest.starts_with(['/', ':', '?', ',']))
        .then_some(rest)
        .filter(|rest| !rest.is_empty())
}

/// With every byte escaped that a user or a password of a URL cannot have.
fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _infallible = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn invalid(reason: String) -> StorageError {
    StorageError::InvalidUrl { reason }
}
