//! The real go command in front of the real binary in front of a scripted upstream.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "these are tests")]

mod errors;
mod fallthrough;
mod fetch;
mod infos;
mod life;
mod odd_http;
mod odd_lists;
mod odd_upstreams;
mod queries;
mod support;
mod toolchain;
