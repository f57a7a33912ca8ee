//! The git adapter, against real repositories behind a real server on this machine.

mod access;
mod ancestry;
mod archive;
mod cache;
mod files;
mod fixture;
mod resolve;
mod server;
