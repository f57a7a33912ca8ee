//! Opening the index that the configuration names.

use std::{fs, path::PathBuf, sync::Arc};

use futures_util::{FutureExt, future::BoxFuture};
use stoa_index::{
    DatabaseAddress, DatabaseOptions, Fault, Index, IndexError, MemoryIndex, MysqlIndex, PostgresIndex,
    SqliteIndex, System,
};
use tokio::task::spawn_blocking;

use crate::config::{Config, IndexStore};

/// The name of the file in which the index is kept.
const FILE: &str = "index.db";
/// How many versions an index in memory has room for: each takes about half a kilobyte.
const IN_MEMORY: u64 = 100_000;

/// Opens an index.
pub(super) type Opener =
    Box<dyn Fn() -> BoxFuture<'static, Result<Arc<dyn Index>, IndexError>> + Send + Sync>;

/// What opens the index of this configuration; `None` if there is to be none.
pub(super) fn opener(config: &Config) -> Option<Opener> {
    let file = match &config.index.store {
        IndexStore::None => return None,
        IndexStore::Memory => return Some(in_memory()),
        IndexStore::File(file) => file.clone(),
        IndexStore::InStorage => match &config.storage.own {
            Some(own) => own.join(FILE),
            None => return Some(in_memory()),
        },
        IndexStore::Database(address) => return Some(in_database(config, address.clone())),
    };
    Some(Box::new(move || in_file(file.clone()).boxed()))
}

fn in_memory() -> Opener {
    let index: Arc<dyn Index> = Arc::new(MemoryIndex::new(IN_MEMORY));
    Box::new(move || std::future::ready(Ok(Arc::clone(&index))).boxed())
}

async fn in_file(file: PathBuf) -> Result<Arc<dyn Index>, IndexError> {
    let open = move || match SqliteIndex::open(&file) {
        Err(error @ IndexError::Damaged(_)) => {
            tracing::warn!(file = %file.display(), %error, "the index is made anew");
            SqliteIndex::recreate(&file)
        }
        opened => opened,
    };
    let opened = spawn_blocking(open).await;
    let opened =
        opened.map_err(|error| IndexError::Unreachable(Fault::because("it was not opened", error)))?;
    Ok(Arc::new(opened?))
}

fn in_database(config: &Config, address: DatabaseAddress) -> Opener {
    let (password_file, ca) = (config.index.password_file.clone(), config.index.ca.clone());
    let timeout = config.index.timeout;
    Box::new(move || {
        let (address, password_file, ca) = (address.clone(), password_file.clone(), ca.clone());
        async move {
            // Read each time, so that a password that was changed is taken.
            let secret = move || {
                let password = password_file.map(fs::read_to_string).transpose()?;
                let ca = ca.map(fs::read).transpose()?;
                Ok::<_, std::io::Error>((password, ca))
            };
            let read = spawn_blocking(secret)
                .await
                .map_err(std::io::Error::other)
                .flatten();
            let (password, ca) = read.map_err(|error| {
                IndexError::BadAddress(Fault::because("a file of [index] cannot be read", error))
            })?;
            let address = match password {
                Some(password) => address.with_password(password.trim().to_owned()),
                None => address,
            };
            let system = address.system();
            let options = DatabaseOptions {
                ca,
                timeout,
                ..DatabaseOptions::new(address)
            };
            let index: Arc<dyn Index> = match system {
                System::Postgres => Arc::new(PostgresIndex::open(&options).await?),
                System::Mysql => Arc::new(MysqlIndex::open(&options).await?),
            };
            Ok(index)
        }
        .boxed()
    })
}
