#![doc = include_str!("../README.md")]
//!
//! # The parts
//!
//! - [`Registry`] is the port to what knows who is there; [`MemoryRegistry`] is the adapter without anything outside.
//! - [`View`] is what is known of a registry, always at hand; [`Announcer`] keeps one node announced.
//! - [`etcd`] keeps registrations in etcd.
//! - [`conformance`] is the suite that every adapter passes; [`FaultyRegistry`] fails when it is told to.

mod announcer;
pub mod conformance;
mod disk;
mod dns;
mod error;
pub mod etcd;
mod faulty;
mod file;
mod fixed;
mod followed;
mod keeper;
mod memory;
mod name;
mod name_view;
mod negatives;
mod pause;
#[cfg(feature = "redis")]
mod redis;
mod registration;
mod registry;
mod roster;
mod shared;
mod snapshot;
mod view;
mod view_options;
mod view_stats;

pub use announcer::{Announcer, AnnouncerStanding};
pub use dns::{DnsRegistry, Resolve, SystemResolver};
pub use error::RegistryError;
pub use faulty::{Fault, FaultyRegistry};
pub use file::FileRegistry;
pub use fixed::StaticRegistry;
pub use followed::Followed;
pub use memory::MemoryRegistry;
pub use name::{InstanceId, NameError, NodeId, ServiceName};
#[cfg(feature = "redis")]
pub use redis::{RedisRegistry, RedisRegistryOptions};
pub use registration::{Endpoint, Metadata, Node, NodeState, Registration, Value};
pub use registry::{
    Abilities, Announcing, Change, Entry, Event, Listing, Registry, Revision, Scope, Watch, Watching,
};
pub use snapshot::{Seen, SeenNode, ServiceVersion, Snapshot, Source, Standing, ViewError};
pub use view::View;
pub use view_options::{Validate, ViewOptions};
pub use view_stats::ViewStats;
