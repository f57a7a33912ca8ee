//! Registrations in a real etcd.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod conforms;
mod history;
mod http;
mod place;
mod trouble;
mod users;
