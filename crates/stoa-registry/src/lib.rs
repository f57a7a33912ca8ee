#![doc = include_str!("../README.md")]
//!
//! # The parts
//!
//! - [`Registry`] is the port to what knows who is there; [`MemoryRegistry`] is the adapter without anything outside.
//! - [`conformance`] is the suite that every adapter passes.

pub mod conformance;
mod error;
mod memory;
mod name;
mod registration;
mod registry;

pub use error::RegistryError;
pub use memory::MemoryRegistry;
pub use name::{InstanceId, NameError, NodeId, ServiceName};
pub use registration::{Endpoint, Metadata, Node, NodeState, Registration, Value};
pub use registry::{
    Abilities, Announcing, Change, Entry, Event, Listing, Registry, Revision, Scope, Watch, Watching,
};
