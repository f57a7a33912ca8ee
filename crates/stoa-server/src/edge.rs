//! One service for everything a client can ask.

use std::{fmt, hash::RandomState, sync::Arc, time::Duration};

use stoa_proxy::{ChecksumDatabases, Protocol, Refreshes, Releases, Removals};

use crate::{
    access_log::AccessLog,
    connection::{ConnectionState, EdgeConnection},
    edge_state::EdgeState,
    finish::Books,
    gate::{Gate, GateStage},
    heads::Heads,
    hot_cache::HotCache,
    links::Links,
    local_places::LocalPlaces,
    metrics::EdgeMetrics,
    mount::{Mount, MountError},
    mounts::Mounts,
    peer::Peer,
    read_ahead::ReadAhead,
    request_id::RequestIds,
    request_path::PathPrefix,
};

/// What shapes the edge.
#[derive(Clone, Debug)]
pub struct EdgeOptions {
    /// Everything is served below it too.
    pub prefix: PathPrefix,
    /// How long answers that may change are fresh, for `Cache-Control`.
    pub list_ttl: Duration,
    /// Memory for hot files, in bytes; 0 switches it off.
    pub memory: u64,
    /// Memory for what has been read of files and not been sent, in bytes, all clients together.
    pub read_ahead: u64,
}

/// What the edge is built on.
#[derive(Debug)]
pub struct EdgeParts {
    /// Judges every request; `None` lets everyone in.
    pub gate: Option<Arc<dyn Gate>>,
    /// The parts that answer below paths of their own.
    pub mounts: Vec<Mount>,
    /// Stores and deletes below the paths of modules; `None` if nobody may.
    pub external: Option<Mount>,
    /// Answers GOPROXY questions.
    pub protocol: Arc<dyn Protocol>,
    /// What is known to be new, so that answers in memory are old.
    pub refreshes: Arc<Refreshes>,
    /// Tells which versions are removed, so that files of them in memory go.
    pub removals: Arc<Removals>,
    /// Answers questions to checksum databases.
    pub checksum_databases: ChecksumDatabases,
    /// Answers what is asked of release archives; `None` if that is switched off.
    pub releases: Option<Arc<Releases>>,
    /// Access lines; `None` for none.
    pub access_log: Option<Arc<AccessLog>>,
    /// Counts.
    pub metrics: EdgeMetrics,
    /// Leads clients who ask for large files to the storage itself; `None` for nobody.
    pub links: Option<Links>,
    /// Directories and files of this machine, which no error tells a client.
    pub places: LocalPlaces,
}

/// What answers clients, not yet tied to a connection. Prints the stages that a request meets, in their order.
#[derive(Clone)]
pub struct Edge {
    state: Arc<EdgeState>,
}

impl Edge {
    /// The edge of these parts.
    ///
    /// # Errors
    /// When a part is mounted at a path that a module could have, or where another part is.
    pub fn new(options: EdgeOptions, parts: EdgeParts) -> Result<Self, MountError> {
        let hot = (options.memory > 0).then(|| Arc::new(HotCache::new(options.memory)));
        if let Some(hot) = &hot {
            parts.removals.tell(Arc::<HotCache>::clone(hot));
        }
        let state = EdgeState {
            names: RandomState::new(),
            ids: RequestIds::new(),
            gate: GateStage::new(parts.gate),
            hot,
            removals: parts.removals,
            ahead: Arc::new(ReadAhead::new(options.memory.saturating_add(options.read_ahead))),
            prefix: options.prefix,
            mounts: Mounts::new(parts.mounts)?,
            external: parts.external.map(Arc::new),
            protocol: parts.protocol,
            refreshes: parts.refreshes,
            checksum_databases: parts.checksum_databases,
            releases: parts.releases,
            heads: Heads::new(options.list_ttl),
            books: Books {
                log: parts.access_log,
                metrics: Arc::new(parts.metrics),
            },
            links: parts.links,
            places: parts.places,
        };
        Ok(Self {
            state: Arc::new(state),
        })
    }

    /// The edge for a connection from `peer`.
    pub(crate) fn for_connection(&self, peer: Peer, state: ConnectionState) -> EdgeConnection {
        EdgeConnection::new(Arc::clone(&self.state), peer, state)
    }

    /// The counts.
    pub(crate) fn metrics(&self) -> &EdgeMetrics {
        &self.state.books.metrics
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.fmt(f)
    }
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Edge({self})")
    }
}
