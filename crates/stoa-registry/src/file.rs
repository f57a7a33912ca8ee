//! The nodes of a file.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use self::written::parse;
use crate::{
    Abilities, Announcing, Change, Entry, Event, Listing, NodeId, Registration, Registry, RegistryError,
    Revision, Scope, ServiceName, Validate, Watch, Watching,
};

mod written;

/// The longest file that is read, in bytes.
const LONGEST: u64 = 16 << 20;
/// A watch that has nothing to tell says so after this time.
const BOOKMARK_AFTER: Duration = Duration::from_secs(5);

/// A registry whose nodes stand in a TOML file, which is read again when it has changed. Announcing changes nothing.
///
/// ```toml
/// [[node]]
/// service = "stoa"
/// id = "a"
/// address = "http://10.0.0.5:3000"
/// version = "1"                    # optional, as all that follows
/// metadata = { zone = "west" }
/// state = "ready"                  # or draining
/// ```
///
/// A file that cannot be read, or in which anything is wrong, changes nothing: what stood there before still counts. As long as
/// that is so, watches fail with what is wrong and in which line.
#[derive(Clone)]
pub struct FileRegistry {
    file: Arc<Path>,
    every: Duration,
    judge: Validate,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    looked: Option<Instant>,
    /// What stood there when it was last believed.
    bytes: Vec<u8>,
    nodes: Vec<Registration>,
    revision: u64,
    /// Why the file is not believed.
    fault: Option<RegistryError>,
}

impl FileRegistry {
    /// The nodes of `file`, at which it looks `every` so often.
    pub fn new(file: PathBuf, every: Duration) -> Self {
        Self {
            file: file.into(),
            every,
            judge: Validate::default(),
            state: Arc::default(),
        }
    }

    /// Takes a file over only if each of its nodes is what `judge` takes for one.
    #[must_use]
    pub fn judged_by(mut self, judge: Validate) -> Self {
        self.judge = judge;
        self
    }

    /// Reads a file of nodes, each of which `judge` takes for one.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with the file and the line.
    pub fn read(file: &Path, judge: &Validate) -> Result<Vec<Registration>, String> {
        let bytes = read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        nodes_of(file, &bytes, judge)
    }

    /// Looks at the file, if nobody has a moment ago.
    async fn look(&self) -> Result<(), RegistryError> {
        let now = Instant::now();
        {
            let state = self.state.lock();
            if state.looked.is_some_and(|at| at + self.every > now) {
                return state.fault.clone().map_or(Ok(()), Err);
            }
        }
        let file = Arc::clone(&self.file);
        let read = tokio::task::spawn_blocking(move || read(&file)).await;
        let read = read.unwrap_or_else(|_panic| Err(io::Error::other("reading it panicked")));
        let mut state = self.state.lock();
        state.looked = Some(now);
        let taken = match read {
            Ok(bytes) if state.revision > 0 && state.bytes == bytes => Ok(()),
            Ok(bytes) => nodes_of(&self.file, &bytes, &self.judge)
                .map(|nodes| {
                    if nodes != state.nodes || state.revision == 0 {
                        state.nodes = nodes;
                        state.revision += 1;
                    }
                    state.bytes = bytes;
                })
                .map_err(|fault| {
                    RegistryError::invalid(format!("the file of nodes is not taken over: {fault}"))
                }),
            Err(error) => Err(RegistryError::away(self, error)),
        };
        state.fault = taken.clone().err();
        taken
    }

    /// Looks at the file; what stood there before counts while something is wrong with it.
    async fn look_or_keep(&self) -> Result<(), RegistryError> {
        let looked = self.look().await;
        if self.state.lock().revision > 0 {
            Ok(())
        } else {
            looked
        }
    }

    /// What has changed since these nodes, as one change.
    fn since(&self, nodes: &[Registration], scope: &Scope) -> (Revision, Vec<Registration>, Vec<Event>) {
        let state = self.state.lock();
        let put = state.nodes.iter().filter(|node| !nodes.contains(node));
        let put = put.map(|node| Event::Put(Entry::new(node.clone())));
        let left = |node: &&Registration| !state.nodes.iter().any(|there| key(there) == key(node));
        let gone = nodes.iter().filter(left).map(|node| Event::Gone {
            service: node.service.clone(),
            node: node.node.id.clone(),
        });
        let events = put.chain(gone).filter(|event| scope.covers(event.service()));
        (Revision(state.revision), state.nodes.clone(), events.collect())
    }
}

fn key(node: &Registration) -> (&ServiceName, &NodeId) {
    (&node.service, &node.node.id)
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let length = fs::metadata(file)?.len();
    if length > LONGEST {
        return Err(io::Error::other(format!(
            "it has {length} bytes, and {LONGEST} is the most"
        )));
    }
    fs::read(file)
}

/// The nodes of what was read.
fn nodes_of(file: &Path, bytes: &[u8], judge: &Validate) -> Result<Vec<Registration>, String> {
    let text =
        std::str::from_utf8(bytes).map_err(|_not_utf8| format!("{}: it is no UTF-8", file.display()))?;
    let parsed = parse(text, judge);
    parsed.map_err(|(line, fault)| format!("{}, line {line}: {fault}", file.display()))
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Registry for FileRegistry {
    async fn register(&self, _: &Registration, _: Duration) -> Result<(), RegistryError> {
        Ok(())
    }

    async fn deregister(&self, _: &Registration) -> Result<(), RegistryError> {
        Ok(())
    }

    async fn get(&self, service: &ServiceName) -> Result<Listing, RegistryError> {
        self.look_or_keep().await?;
        let state = self.state.lock();
        let nodes = state.nodes.iter().filter(|node| node.service == *service);
        Ok(Listing {
            entries: nodes.cloned().map(Entry::new).collect(),
            revision: Revision(state.revision),
        })
    }

    async fn list(&self) -> Result<Vec<ServiceName>, RegistryError> {
        self.look_or_keep().await?;
        let mut names: Vec<_> = self
            .state
            .lock()
            .nodes
            .iter()
            .map(|node| node.service.clone())
            .collect();
        names.dedup();
        Ok(names)
    }

    async fn watch(&self, scope: &Scope, from: Revision) -> Result<Box<dyn Watch>, RegistryError> {
        self.look().await?;
        let state = self.state.lock();
        Ok(Box::new(FileWatch {
            registry: self.clone(),
            scope: scope.clone(),
            // Only the present state is known: what was before has to be read again.
            is_known: from.0 == state.revision,
            nodes: state.nodes.clone(),
            has_told: false,
        }))
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            announcing: Announcing::Given,
            watching: Watching::All,
        }
    }
}

#[derive(Debug)]
struct FileWatch {
    registry: FileRegistry,
    scope: Scope,
    is_known: bool,
    nodes: Vec<Registration>,
    /// It has told something. The first thing is that the file has been read, and has no faults.
    has_told: bool,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Watch for FileWatch {
    async fn next(&mut self) -> Result<Change, RegistryError> {
        if !self.is_known {
            let reason = "only the present state of a file is known".to_owned();
            return Ok(Change::Lost { reason });
        }
        let quiet = if self.has_told {
            BOOKMARK_AFTER
        } else {
            Duration::ZERO
        };
        let bookmark_at = Instant::now() + quiet;
        loop {
            self.registry.look().await?;
            let (revision, nodes, events) = self.registry.since(&self.nodes, &self.scope);
            self.nodes = nodes;
            self.has_told = true;
            if !events.is_empty() {
                return Ok(Change::Batch { revision, events });
            }
            if Instant::now() >= bookmark_at {
                return Ok(Change::Bookmark { revision });
            }
            sleep(self.registry.every).await;
        }
    }
}

impl fmt::Display for FileRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the file {}", self.file.display())
    }
}

impl fmt::Debug for FileRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileRegistry")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
