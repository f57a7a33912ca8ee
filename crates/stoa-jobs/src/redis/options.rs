//! How a store uses its Redis.

use std::{fmt, time::Duration};

use crate::{RedisAddress, Rules};

/// How a store uses its Redis.
#[derive(Clone)]
pub struct RedisOptions {
    /// Where it is.
    pub address: RedisAddress,
    /// What the names of all keys begin with. Stores of one prefix have the same jobs.
    pub prefix: String,
    /// How long a connection or an answer may take before Redis counts as away.
    pub timeout: Duration,
    /// The certificates (PEM) that a Redis with TLS is known by, instead of those that the machine trusts.
    pub ca: Option<Vec<u8>>,
    /// The password of the Sentinels, which is another one than that of Redis.
    pub sentinel_password: Option<String>,
    /// What becomes of jobs.
    pub rules: Rules,
}

impl RedisOptions {
    /// What most want.
    pub fn new(address: RedisAddress) -> Self {
        Self {
            address,
            prefix: "stoa-jobs".into(),
            timeout: Duration::from_secs(5),
            ca: None,
            sentinel_password: None,
            rules: Rules::default(),
        }
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("address", &self.address)
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
