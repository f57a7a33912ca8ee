//! The keys of `[jobs]` that are about Redis.

use std::{path::PathBuf, time::Duration};

use stoa_config::{
    Key, Occurrence,
    values::{duration, path},
};

use super::{job_store::JobStore, private_file::private_file};

pub(super) const PREFIX: Key = Key::new(
    "redis_prefix",
    "stoa-jobs",
    "what the names of the keys in Redis begin with; servers with one prefix have the same jobs",
);
pub(super) const TIMEOUT: Key = Key::new(
    "redis_timeout",
    "5s",
    "how long a connection to Redis or one of its answers may take",
);
pub(super) const PASSWORD_FILE: Key = Key::new(
    "redis_password_file",
    "",
    "file with the password of Redis, if it is not in jobs.store",
);
pub(super) const SENTINEL_PASSWORD_FILE: Key = Key::new(
    "redis_sentinel_password_file",
    "",
    "file with the password of the Sentinels",
);
pub(super) const CA: Key = Key::new(
    "redis_ca",
    "",
    "PEM file of the authorities whose certificates a Redis with TLS may have, instead of the system's",
);

/// How the Redis of the jobs is spoken with.
#[derive(Clone, Debug)]
pub(crate) struct RedisConfig {
    pub(crate) prefix: String,
    pub(crate) timeout: Duration,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) sentinel_password_file: Option<PathBuf>,
    pub(crate) ca: Option<PathBuf>,
}

impl RedisConfig {
    pub(super) fn read(table: &mut Occurrence<'_, '_>, store: Option<&JobStore>) -> Option<Self> {
        let prefix = table.value(&PREFIX, prefix);
        let timeout = table.value(&TIMEOUT, |text| match duration(text)? {
            Duration::ZERO => Err("Redis needs some time to answer".to_owned()),
            timeout => Ok(timeout),
        });
        let password_file = table.value(&PASSWORD_FILE, secret_path);
        let sentinel_password_file = table.value(&SENTINEL_PASSWORD_FILE, secret_path);
        let ca = table.value(&CA, path);
        let has_password = matches!(store, Some(JobStore::Redis(address)) if address.has_password());
        if has_password && matches!(password_file, Some(Some(_))) {
            table.fault("the password of Redis is in jobs.store and in jobs.redis_password_file: remove one");
        }
        Some(Self {
            prefix: prefix?,
            timeout: timeout?,
            password_file: password_file?,
            sentinel_password_file: sentinel_password_file?,
            ca: ca?,
        })
    }
}

fn secret_path(text: &str) -> Result<Option<PathBuf>, String> {
    let file = path(text).map_err(|error| error.to_string())?;
    file.as_deref().map_or(Ok(()), private_file)?;
    Ok(file)
}

fn prefix(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(['{', '}']) || text.chars().any(char::is_whitespace) {
        return Err(format!(
            "{text:?} is no prefix of keys: write some letters, without braces"
        ));
    }
    Ok(text.to_owned())
}
