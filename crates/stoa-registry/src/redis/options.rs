//! Where nodes are kept in Redis.

use std::{fmt, time::Duration};

/// Where nodes are kept in Redis, and how it is spoken with.
#[derive(Clone)]
pub struct RedisRegistryOptions {
    /// `redis://USER:PASSWORD@HOST:PORT/DB`, or `rediss://` with TLS. It is never shown.
    pub url: String,
    /// The password, if it is not in the URL.
    pub password: Option<String>,
    /// What the names of the keys begin with. It is the hash tag of all of them, so that a cluster keeps them together.
    pub prefix: String,
    /// How long a connection or an answer may take.
    pub timeout: Duration,
}

impl fmt::Debug for RedisRegistryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRegistryOptions")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
