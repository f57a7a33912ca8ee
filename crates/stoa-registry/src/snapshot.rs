//! What a view knows of a service.

use std::{sync::Arc, time::Duration};

use crate::{Endpoint, Metadata, NodeId, Registration, RegistryError, Revision, ServiceName};

/// The nodes of a service at one revision. It never changes: what comes later is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The service.
    pub service: ServiceName,
    /// Its nodes, sorted by id.
    pub nodes: Vec<SeenNode>,
    /// The state of the registry that they were read at.
    pub revision: Revision,
}

/// A node as a view sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenNode {
    /// What it says of itself.
    pub registration: Registration,
    /// Whether the registry still says so.
    pub standing: Standing,
}

/// Whether a registry still says that a node is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Live,
    /// It does not, but it said so of too many at once to be believed at once.
    Suspect,
}

/// The nodes of one version of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceVersion<'a> {
    /// The version.
    pub version: &'a str,
    /// Labels of this version.
    pub metadata: &'a Metadata,
    /// What it can be asked.
    pub endpoints: &'a [Endpoint],
    /// Its nodes, sorted by id.
    pub nodes: Vec<&'a SeenNode>,
}

impl Snapshot {
    /// A service without nodes, of which nothing has been read.
    pub(crate) fn unread(service: ServiceName) -> Self {
        Self {
            service,
            nodes: Vec::new(),
            revision: Revision::default(),
        }
    }

    /// The node of this id.
    pub fn node(&self, id: &NodeId) -> Option<&SeenNode> {
        let found = self
            .nodes
            .binary_search_by(|node| node.registration.node.id.cmp(id));
        found.ok().map(|at| &self.nodes[at])
    }

    /// The nodes by version, in the order in which versions are met. Labels and endpoints are those of the first node of each.
    pub fn versions(&self) -> Vec<ServiceVersion<'_>> {
        let mut versions: Vec<ServiceVersion<'_>> = Vec::new();
        for node in &self.nodes {
            let registration = &node.registration;
            let known = versions
                .iter_mut()
                .find(|version| version.version == registration.version);
            match known {
                Some(version) => version.nodes.push(node),
                None => versions.push(ServiceVersion {
                    version: &registration.version,
                    metadata: &registration.metadata,
                    endpoints: &registration.endpoints,
                    nodes: vec![node],
                }),
            }
        }
        versions
    }
}

/// How a view came to know what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It knows nothing yet.
    Unread,
    /// From the disk: the registry has not been reached since the start.
    Disk,
    /// By a read.
    Read,
    /// By a watch, which is alive.
    Watched,
    /// By what was known before the registry went away.
    Stale,
}

impl Source {
    /// The name: `unread`, `disk`, `read`, `watched`, `stale`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unread => "unread",
            Self::Disk => "disk",
            Self::Read => "read",
            Self::Watched => "watched",
            Self::Stale => "stale",
        }
    }
}

/// What is known, and how well.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What is known.
    pub snapshot: Arc<Snapshot>,
    /// How long ago it was last proved to be so: by a read, a change, or the word of a watch that there was none.
    pub age: Duration,
    /// How it is known.
    pub source: Source,
    /// Why nothing newer is known, if the registry fails.
    pub error: Option<RegistryError>,
}

/// Why a view knows nothing of a service.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ViewError {
    /// The registry says that there is no node of it.
    #[error("no node of the service {0} is registered")]
    Unknown(ServiceName),
    /// Nothing is known of it, and the registry cannot tell. That is no answer about the service.
    #[error("the nodes of the service {service} are not known: {error}")]
    Unread {
        /// The service.
        service: ServiceName,
        /// What came of asking.
        error: RegistryError,
    },
    /// What is known is older than the view may tell.
    #[error("what is known of the service {service} is {age:?} old")]
    TooOld {
        /// The service.
        service: ServiceName,
        /// How old.
        age: Duration,
        /// Why nothing newer is known.
        error: Option<RegistryError>,
    },
    /// Too many unknown services are being asked about.
    #[error("too many services are being looked up at once")]
    Overloaded,
    /// The view has been stopped.
    #[error("the view has been stopped")]
    Stopped,
}
