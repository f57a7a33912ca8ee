//! Registrations in etcd, over its JSON gateway, which every etcd since 3.4 has.
//!
//! A node is the key `PREFIX SERVICE / NODE`, whose value is the registration and which goes with a lease of its own. A
//! heartbeat keeps the lease and looks whether the key is as it should be, and writes only if it is not. A watch is one
//! of etcd's own, on the keys of a service or on all of them: it resumes anywhere that is not compacted, and what one
//! transaction changed is one batch.
//!
//! What carries the requests is a [`Transport`], so that they leave the process by the door that everything else leaves by.

mod announcing;
mod batches;
mod body;
mod client;
mod fault;
mod keys;
mod leases;
mod listing;
mod number;
mod options;
mod pulse;
mod registry;
mod transport;
mod watching;
mod wire;

pub use options::{Credentials, EtcdOptions};
pub use registry::EtcdRegistry;
pub use transport::{HttpBody, HttpReply, Transport};
