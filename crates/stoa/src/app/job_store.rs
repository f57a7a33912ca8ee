//! Where jobs are kept.

use std::{fs, path::Path, sync::Arc};

use stoa_jobs::{
    MemoryStore, RedisAddress, RedisOptions, RedisStore, Rules, SqliteOptions, SqliteStore, Store,
    StoreError, SystemClock, SystemRandom,
};
use stoa_proxy::MirrorSchedule;

use super::downloads::callbacks;
use crate::{
    command_error::CommandError,
    config::{Config, JobStore, JobsConfig},
};

/// The name of the file in which jobs are kept.
const FILE: &str = "jobs.db";

/// The store that the configuration names.
#[derive(Debug)]
pub(super) enum OpenStore {
    /// One of this machine.
    Local(Arc<dyn Store>),
    /// One that other servers share, and that may be away.
    Redis(Arc<RedisStore>),
}

impl OpenStore {
    /// Opens the store that `config` names. A Redis is not asked yet.
    pub(super) fn of(config: &Config) -> Result<Self, CommandError> {
        let rules = rules(&config.jobs);
        match &config.jobs.store {
            JobStore::Memory => Ok(Self::Local(in_memory(rules))),
            JobStore::Directory(directory) => {
                let store = in_directory(directory, rules);
                store
                    .map(Self::Local)
                    .map_err(|error| CommandError::new(config.fault("jobs.store", error)))
            }
            JobStore::InStorage => Ok(Self::Local(in_storage(config, rules))),
            JobStore::Redis(address) => {
                let store = RedisStore::new(redis_options(config, address, rules)?);
                let store = store.map_err(|error| CommandError::new(config.fault("jobs.store", error)))?;
                Ok(Self::Redis(Arc::new(store)))
            }
        }
    }

    /// It, for the engine.
    pub(super) fn shared(&self) -> Arc<dyn Store> {
        match self {
            Self::Local(store) => Arc::clone(store),
            Self::Redis(store) => Arc::clone(store) as Arc<dyn Store>,
        }
    }

    /// Looks whether the store can be used. One that is away is no reason not to start: modules are served without it, and
    /// jobs run when it is back.
    pub(super) async fn ready(&self, config: &Config) -> Result<(), CommandError> {
        let Self::Redis(store) = self else {
            return Ok(());
        };
        match store.ready().await {
            Err(error @ StoreError::Unusable(_)) => Err(CommandError::new(config.fault("jobs.store", error))),
            Err(error) => {
                tracing::warn!(%error, "no jobs are taken and none run until their store is back");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}

fn rules(config: &JobsConfig) -> Rules {
    Rules {
        callbacks: Arc::new(MirrorSchedule::new(callbacks(config))),
        limits: Arc::new(config.limits.clone()),
        keep_ok: config.keep_ok,
        keep_failed: config.keep_failed,
        ..Rules::default()
    }
}

fn in_memory(rules: Rules) -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(
        rules,
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
    ))
}

fn in_directory(directory: &Path, rules: Rules) -> Result<Arc<dyn Store>, StoreError> {
    let options = SqliteOptions {
        rules,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(&directory.join(FILE), options)?;
    Ok(Arc::new(store))
}

fn in_storage(config: &Config, rules: Rules) -> Arc<dyn Store> {
    let Some(directory) = config.storage.own.clone() else {
        return in_memory(rules);
    };
    match in_directory(&directory, rules.clone()) {
        Ok(store) => store,
        // A server starts on a full disk and on a storage that cannot be written, and serves what is stored.
        Err(error) => {
            tracing::warn!(%error, "jobs are kept in memory, and are lost when this server ends");
            in_memory(rules)
        }
    }
}

fn redis_options(
    config: &Config,
    address: &RedisAddress,
    rules: Rules,
) -> Result<RedisOptions, CommandError> {
    let settings = &config.jobs.redis;
    let read = |key: &str, file: &Path| {
        let fault = |error| CommandError::new(config.fault(key, format!("{}: {error}", file.display())));
        fs::read(file).map_err(fault)
    };
    let password = |key: &str, file: &Path| {
        let bytes = read(key, file)?;
        let text = str::from_utf8(bytes.trim_ascii());
        let text = text.ok().filter(|text| !text.is_empty());
        text.map(str::to_owned).ok_or_else(|| {
            let fault = format!("{}: there is no password in it", file.display());
            CommandError::new(config.fault(key, fault))
        })
    };
    let mut address = address.clone();
    if let Some(file) = &settings.password_file {
        address = address.with_password(password("jobs.redis_password_file", file)?);
    }
    let sentinel_password = settings.sentinel_password_file.as_deref();
    let ca = settings.ca.as_deref();
    Ok(RedisOptions {
        prefix: settings.prefix.clone(),
        timeout: settings.timeout,
        ca: ca.map(|file| read("jobs.redis_ca", file)).transpose()?,
        sentinel_password: sentinel_password
            .map(|file| password("jobs.redis_sentinel_password_file", file))
            .transpose()?,
        rules,
        ..RedisOptions::new(address)
    })
}
