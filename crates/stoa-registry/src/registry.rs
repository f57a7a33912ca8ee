//! The port to what knows who is there.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use crate::{NodeId, Registration, RegistryError, ServiceName};

/// Knows which nodes of which services are there.
///
/// # Contract
///
/// * [`register`](Self::register) announces a node, and is its heartbeat: called again before `ttl` has passed, it keeps the
///   node. A node that is not kept is gone when `ttl` has passed, one second later at most. An unchanged
///   heartbeat changes nothing that watchers see, but brings a node back that somebody deleted.
/// * An id that is alive at another address is [`RegistryError::Taken`], see [`Registration::yields_to`].
/// * [`get`](Self::get) tells all nodes of a service and the revision of that state; [`watch`](Self::watch) from that
///   revision tells every change after it, once, in order, with none left out. What was changed at once is one [`Change::Batch`].
///   When that cannot be told any more, because the registry has forgotten, was wiped or replaced, the watch says
///   [`Change::Lost`] and ends: what is known must be read again.
/// * What cannot be read as a registration is left out, with a warning in the log, and takes nothing else with it.
/// * Every call ends within a time that the adapter bounds. A dropped future leaves nothing behind that is not bounded too.
/// * [`fmt::Display`] names the registry for people, without secrets.
#[async_trait]
pub trait Registry: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// Announces a node, or keeps it, for `ttl`. Where nodes are [given](Announcing::Given), nothing happens.
    async fn register(&self, registration: &Registration, ttl: Duration) -> Result<(), RegistryError>;

    /// Takes a node out at once, if it is still this life of it. One that is not there is no error.
    async fn deregister(&self, registration: &Registration) -> Result<(), RegistryError>;

    /// The nodes of a service; none if it is not known.
    async fn get(&self, service: &ServiceName) -> Result<Listing, RegistryError>;

    /// The names of the services that have nodes, sorted.
    async fn list(&self) -> Result<Vec<ServiceName>, RegistryError>;

    /// Tells what changes after `from`.
    async fn watch(&self, scope: &Scope, from: Revision) -> Result<Box<dyn Watch>, RegistryError>;

    /// What this registry can do.
    fn abilities(&self) -> Abilities;
}

/// Tells changes as they come.
#[async_trait]
pub trait Watch: fmt::Debug + Send {
    /// Waits for the next change. Dropping the future loses nothing: the change comes with the next call. After
    /// [`Change::Lost`] and after an error there is nothing more.
    async fn next(&mut self) -> Result<Change, RegistryError>;
}

/// What a registry can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Where its nodes come from.
    pub announcing: Announcing,
    /// What can be watched.
    pub watching: Watching,
}

/// Where the nodes of a registry come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announcing {
    /// They announce themselves.
    Announced,
    /// Somebody else says who is there: a configuration, a file, a name server.
    Given,
}

/// What can be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// One service, and all of them at once.
    All,
    /// Nothing: it has to be read again and again.
    Nothing,
}

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One service.
    Service(ServiceName),
    /// Every service, those to come too.
    All,
}

/// A state of a registry. Larger is later; only the registry that told it can say more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// The nodes of a service at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The nodes, sorted by id.
    pub entries: Vec<Entry>,
    /// The state they were read at.
    pub revision: Revision,
}

/// A node that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it says of itself.
    pub registration: Registration,
    /// How long that is true, if nothing more is heard of it and the registry does not tell when a node is gone;
    /// `None` if it tells.
    pub expires: Option<Duration>,
}

/// What a watch tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// All that changed at one revision, in order.
    Batch {
        /// The state after it.
        revision: Revision,
        /// The changes, one or more.
        events: Vec<Event>,
    },
    /// Nothing has changed up to this revision: the registry is there, and so is the watch.
    Bookmark {
        /// The state.
        revision: Revision,
    },
    /// What came next is not known any more. The watch is over.
    Lost {
        /// Why, for people.
        reason: String,
    },
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A node is there, or says something else of itself, or is still there.
    Put(Entry),
    /// A node is gone.
    Gone {
        /// Its service.
        service: ServiceName,
        /// Its id.
        node: NodeId,
    },
}

impl Entry {
    /// A node whose end the registry tells.
    pub fn new(registration: Registration) -> Self {
        Self {
            registration,
            expires: None,
        }
    }
}

impl Event {
    /// The service that changed.
    pub fn service(&self) -> &ServiceName {
        match self {
            Self::Put(entry) => &entry.registration.service,
            Self::Gone { service, .. } => service,
        }
    }

    /// The node that changed.
    pub fn node(&self) -> &NodeId {
        match self {
            Self::Put(entry) => &entry.registration.node.id,
            Self::Gone { node, .. } => node,
        }
    }
}

impl Scope {
    /// Whether changes of this service are told.
    pub fn covers(&self, service: &ServiceName) -> bool {
        match self {
            Self::Service(name) => name == service,
            Self::All => true,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name) => name.fmt(f),
            Self::All => f.write_str("every service"),
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
