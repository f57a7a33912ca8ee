//! The value of `jobs.store`.

use std::{path::PathBuf, str::FromStr};

use stoa_config::HIDDEN;
use stoa_jobs::{RedisAddress, RedisAddressError};

/// Where jobs are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JobStore {
    /// In the storage, if it is a directory; else in memory.
    InStorage,
    /// In a file of this directory.
    Directory(PathBuf),
    /// In Redis, which several servers share.
    Redis(RedisAddress),
    /// In memory.
    Memory,
}

impl JobStore {
    /// The text without the password of a Redis.
    pub(super) fn shown(&self, text: &str) -> String {
        match self {
            Self::Redis(address) if address.has_password() => {
                let address = address.to_string();
                let (scheme, rest) = address.split_once("://").unwrap_or_default();
                format!("{scheme}://{HIDDEN}@{rest}")
            }
            _ => text.to_owned(),
        }
    }
}

impl FromStr for JobStore {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "file:" => return Ok(Self::InStorage),
            "memory:" => return Ok(Self::Memory),
            _ => {}
        }
        if let Some(path) = text.strip_prefix("file://")
            && path.starts_with('/')
        {
            return Ok(Self::Directory(path.into()));
        }
        if text.starts_with("redis") {
            let address = text.parse();
            return address
                .map(Self::Redis)
                .map_err(|error: RedisAddressError| error.to_string());
        }
        // It is not repeated: a slip of the pen may be in the scheme of an address with a password.
        Err("it is no store of jobs: write file:, file:///DIR, redis://HOST:PORT/DB (rediss:// with TLS, redis+sentinel://) or memory:".to_owned())
    }
}
