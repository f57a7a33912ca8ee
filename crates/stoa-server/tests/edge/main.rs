//! The edge over real sockets: the order of its stages, the gate, mounted parts and their streams, and how they end.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "these are tests")]
#![expect(clippy::disallowed_methods, reason = "clients of the server that is tested")]

mod client;
mod context;
mod drain;
mod gate;
mod lab;
mod mounts;
mod order;
mod parts;
mod spans;
mod streams;
