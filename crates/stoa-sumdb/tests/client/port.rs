//! A port in memory over a database that may be tampered with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use stoa_sumdb::{BoxError, Client, Port, RemoteError, RemotePath, Swap};

use crate::database::Database;

/// Changes answers on their way: `None` refuses, and what is refused is not found.
pub(crate) type Tamper = Box<dyn Fn(&Database, &RemotePath, Option<Vec<u8>>) -> Option<Vec<u8>> + Send>;

/// What is outside of clients.
pub(crate) struct World {
    pub(crate) database: Database,
    pub(crate) tamper: Option<Tamper>,
    pub(crate) cache: HashMap<String, Vec<u8>>,
    pub(crate) latest: Vec<u8>,
    /// What was asked of the database.
    pub(crate) requests: Vec<String>,
    pub(crate) is_offline: bool,
    /// Heads that other clients store just before this one does, last first.
    pub(crate) rivals: Vec<Vec<u8>>,
    /// Whether others always come first.
    pub(crate) always_conflicts: bool,
}

#[derive(Clone)]
pub(crate) struct TestPort(Arc<Mutex<World>>);

impl TestPort {
    pub(crate) fn new(database: Database) -> Self {
        Self(Arc::new(Mutex::new(World {
            database,
            tamper: None,
            cache: HashMap::new(),
            latest: Vec::new(),
            requests: Vec::new(),
            is_offline: false,
            rivals: Vec::new(),
            always_conflicts: false,
        })))
    }

    /// A port to an honest database of this many numbered modules.
    pub(crate) fn with_records(count: usize) -> Self {
        Self::new(Database::with_records(count))
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().expect("no test panics with the lock")
    }

    /// A client as a process that starts has it.
    pub(crate) fn client(&self) -> Client {
        let key = self.world().database.key();
        Client::new(Arc::new(self.clone()), key)
    }

    /// Changes answers from now on.
    pub(crate) fn tamper(
        &self,
        tamper: impl Fn(&Database, &RemotePath, Option<Vec<u8>>) -> Option<Vec<u8>> + Send + 'static,
    ) {
        self.world().tamper = Some(Box::new(tamper));
    }

    /// Changes answers to lookups from now on.
    pub(crate) fn tamper_lookups(&self, tamper: impl Fn(&Database, Vec<u8>) -> Vec<u8> + Send + 'static) {
        self.tamper(move |database, path, answer| match path {
            RemotePath::Lookup(_) => answer.map(|answer| tamper(database, answer)),
            _ => answer,
        });
    }

    pub(crate) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.world().requests)
    }

    /// What is cached, sorted by name.
    pub(crate) fn cached(&self) -> Vec<String> {
        let mut cached: Vec<String> = self.world().cache.keys().cloned().collect();
        cached.sort_unstable();
        cached
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Port for TestPort {
    async fn read_remote(&self, path: &RemotePath) -> Result<Vec<u8>, RemoteError> {
        let mut world = self.world();
        world.requests.push(path.to_string());
        if world.is_offline {
            return Err(RemoteError::Failed("offline".into()));
        }
        let answer = world.database.answer(path);
        let answer = match &world.tamper {
            Some(tamper) => tamper(&world.database, path, answer),
            None => answer,
        };
        answer.ok_or_else(|| RemoteError::NotFound {
            gone: false,
            message: "no such thing".to_owned(),
        })
    }

    async fn read_cache(&self, path: &RemotePath) -> Option<Vec<u8>> {
        self.world().cache.get(&path.to_string()).cloned()
    }

    async fn write_cache(&self, path: &RemotePath, data: &[u8]) {
        self.world().cache.insert(path.to_string(), data.to_vec());
    }

    async fn read_latest(&self) -> Result<Vec<u8>, BoxError> {
        Ok(self.world().latest.clone())
    }

    async fn swap_latest(&self, old: &[u8], new: &[u8]) -> Result<Swap, BoxError> {
        let mut world = self.world();
        if let Some(rival) = world.rivals.pop() {
            world.latest = rival;
        }
        if world.latest != old || world.always_conflicts {
            return Ok(Swap::Conflict);
        }
        world.latest = new.to_vec();
        Ok(Swap::Done)
    }
}
