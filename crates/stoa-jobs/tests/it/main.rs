//! Stores and engines, from outside.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod adapters;
mod engine;
mod scripted;
