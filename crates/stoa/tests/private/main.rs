//! Private repositories: what lets stoa in, and that nobody else gets to see it; and where strangers cannot send it.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "these are tests")]

mod addresses;
mod canary;
mod http;
mod redirects;
mod sinks;
mod ssh;
mod strangers;
mod support;
#[path = "../direct/tls.rs"]
mod tls;
mod upstreams;

pub(crate) const STOA: &str = env!("CARGO_BIN_EXE_stoa");
