//! The nodes of a file.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use crate::{
    Abilities, Announcing, Change, Entry, Event, InstanceId, Listing, Metadata, Node, NodeId, NodeState,
    Registration, Registry, RegistryError, Revision, Scope, ServiceName, Watch, Watching,
};

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
/// A file that cannot be read, or makes no sense, changes nothing: what stood there before is still told, and the log says why.
#[derive(Clone)]
pub struct FileRegistry {
    file: Arc<Path>,
    every: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    read: Option<(Vec<u8>, Instant)>,
    nodes: Vec<Registration>,
    revision: u64,
    /// Why the file is not believed.
    fault: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    #[serde(default)]
    node: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    service: ServiceName,
    id: NodeId,
    address: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    state: NodeState,
}

impl FileRegistry {
    /// The nodes of `file`, at which it looks `every` so often.
    pub fn new(file: PathBuf, every: Duration) -> Self {
        Self {
            file: file.into(),
            every,
            state: Arc::default(),
        }
    }

    /// Reads a file of nodes.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and in which line.
    pub fn parse(text: &str) -> Result<Vec<Registration>, String> {
        let content: Content = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut nodes: Vec<Registration> = content.node.into_iter().map(Written::into_node).collect();
        nodes.sort_by(|one, other| key(one).cmp(&key(other)));
        if let Some(twice) = nodes.windows(2).find(|two| key(&two[0]) == key(&two[1])) {
            return Err(format!(
                "the node {} of {} is there twice",
                twice[0].node.id, twice[0].service
            ));
        }
        Ok(nodes)
    }

    /// Looks at the file, if nobody has a moment ago.
    async fn look(&self) -> Result<(), RegistryError> {
        let now = Instant::now();
        let is_fresh = self
            .state
            .lock()
            .read
            .as_ref()
            .is_some_and(|(_, at)| *at + self.every > now);
        if is_fresh {
            return Ok(());
        }
        let file = Arc::clone(&self.file);
        let read = tokio::task::spawn_blocking(move || read(&file)).await;
        let read = read.unwrap_or_else(|_panic| Err(io::Error::other("reading it panicked")));
        let parsed = read.map_err(|error| error.to_string()).and_then(|bytes| {
            let text = std::str::from_utf8(&bytes).map_err(|_not_utf8| "it is no UTF-8".to_owned())?;
            Self::parse(text).map(|nodes| (nodes, bytes))
        });
        let mut state = self.state.lock();
        match parsed {
            Ok((nodes, bytes)) => {
                state.fault = None;
                if nodes != state.nodes || state.revision == 0 {
                    state.nodes = nodes;
                    state.revision += 1;
                }
                state.read = Some((bytes, now));
                Ok(())
            }
            Err(fault) => {
                if state.fault.as_ref() != Some(&fault) {
                    tracing::warn!(file = %self.file.display(), %fault, "the file of nodes is not taken over; what was in it before counts");
                }
                state.fault = Some(fault.clone());
                let Some((_, at)) = state.read.as_mut() else {
                    return Err(RegistryError::away(self, fault));
                };
                *at = now;
                Ok(())
            }
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

impl Written {
    fn into_node(self) -> Registration {
        Registration {
            service: self.service,
            version: self.version,
            metadata: Metadata::new(),
            endpoints: Vec::new(),
            node: Node {
                id: self.id,
                address: self.address,
                metadata: self.metadata,
            },
            // Nobody says which life of the node it is.
            instance: InstanceId::from_number(0),
            state: self.state,
        }
    }
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
        self.look().await?;
        let state = self.state.lock();
        let nodes = state.nodes.iter().filter(|node| node.service == *service);
        Ok(Listing {
            entries: nodes.cloned().map(Entry::new).collect(),
            revision: Revision(state.revision),
        })
    }

    async fn list(&self) -> Result<Vec<ServiceName>, RegistryError> {
        self.look().await?;
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
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Watch for FileWatch {
    async fn next(&mut self) -> Result<Change, RegistryError> {
        if !self.is_known {
            let reason = "only the present state of a file is known".to_owned();
            return Ok(Change::Lost { reason });
        }
        let bookmark_at = Instant::now() + BOOKMARK_AFTER;
        loop {
            self.registry.look().await?;
            let (revision, nodes, events) = self.registry.since(&self.nodes, &self.scope);
            self.nodes = nodes;
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
mod tests {
    use super::*;

    const TWO: &str = "[[node]]\nservice = \"stoa\"\nid = \"b\"\naddress = \"http://b\"\nstate = \"draining\"\n\
                       [[node]]\nservice = \"stoa\"\nid = \"a\"\naddress = \"http://a\"\n\
                       metadata = { zone = \"west\" }\n";

    fn service() -> ServiceName {
        "stoa".parse().expect("a name")
    }

    async fn ids(registry: &FileRegistry) -> Vec<String> {
        let listing = registry.get(&service()).await.expect("read");
        let ids = listing
            .entries
            .iter()
            .map(|entry| entry.registration.node.id.to_string());
        ids.collect()
    }

    #[test]
    fn a_file_says_what_a_node_may_say() {
        let nodes = FileRegistry::parse(TWO).expect("good");
        assert_eq!(nodes[0].node.metadata["zone"], "west");
        assert_eq!(
            (nodes[1].node.id.as_str(), nodes[1].state),
            ("b", NodeState::Draining)
        );
        for (text, want) in [
            ("[[node]]\nid = \"a\"\n", "service"),
            ("[[node]]\nservice = \"a b\"\n", "no name of a service"),
            ("[[nodes]]\n", "unknown field"),
            (&format!("{TWO}{TWO}"), "is there twice"),
        ] {
            let error = FileRegistry::parse(text).expect_err(want);
            assert!(error.contains(want), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_is_one_batch_and_a_fault_changes_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("nodes.toml");
        let every = Duration::from_secs(1);
        let registry = FileRegistry::new(file.clone(), every);
        assert!(matches!(
            registry.get(&service()).await,
            Err(RegistryError::Away { .. })
        ));
        fs::write(&file, TWO).expect("written");
        let listing = registry.get(&service()).await.expect("read");
        assert_eq!(ids(&registry).await, ["a", "b"]);
        let scope = Scope::Service(service());
        let mut watch = registry.watch(&scope, listing.revision).await.expect("a watch");
        for fault in ["[[node]]\n", "\u{0}", ""] {
            if fault.is_empty() {
                fs::remove_file(&file).expect("removed");
            } else {
                fs::write(&file, fault).expect("written");
            }
            let next = watch.next().await.expect("it lives");
            assert!(matches!(next, Change::Bookmark { .. }), "{next:?}");
            assert_eq!(ids(&registry).await, ["a", "b"]);
        }
        let changed = TWO.replace("\"a\"", "\"c\"").replace("draining", "ready");
        fs::write(&file, changed).expect("written");
        let Change::Batch { revision, events } = watch.next().await.expect("it lives") else {
            panic!("a batch")
        };
        let shown: Vec<_> = events.iter().map(|event| event.node().as_str()).collect();
        assert_eq!(shown, ["b", "c", "a"], "two are put and one is gone");
        assert!(revision > listing.revision);
        let mut late = registry.watch(&scope, listing.revision).await.expect("a watch");
        assert!(matches!(late.next().await, Ok(Change::Lost { .. })));
    }
}
