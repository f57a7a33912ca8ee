//! How a database is spoken with.

use std::time::Duration;

use super::address::DatabaseAddress;

/// How a database is spoken with.
#[derive(Clone, Debug)]
pub struct DatabaseOptions {
    /// Where it is.
    pub address: DatabaseAddress,
    /// The certificates (PEM) of those who may vouch for it, instead of those that the system trusts.
    pub ca: Option<Vec<u8>>,
    /// How long a call may take, with all that it waits for.
    pub timeout: Duration,
}

impl DatabaseOptions {
    /// Those that do for most: ten seconds for a call, and the certificates that the system trusts.
    pub fn new(address: DatabaseAddress) -> Self {
        Self {
            address,
            ca: None,
            timeout: Duration::from_secs(10),
        }
    }
}
