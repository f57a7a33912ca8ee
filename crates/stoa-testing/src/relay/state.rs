//! What a relay does at the moment.

use std::path::PathBuf;
use std::sync::Mutex;

use crate::git_http::Fault;

/// What is behind a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A web server at this address.
    Http(String),
    /// Files, as any web server has them.
    Files(PathBuf),
    /// A server at this address with a protocol of its own.
    Stream(String),
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    #[default]
    Nothing,
    /// The answer to one request of a web client, counted from 0 since the last [`clear`](super::Relay::clear).
    Answer(usize, Fault),
    /// After so many bytes of the server since the last [`clear`](super::Relay::clear), the connection ends, and whoever comes then
    /// finds nobody. Not for web clients.
    Cut(usize),
    /// The same, but the connection is reset.
    Reset(usize),
    /// From so many bytes of the answer to this request on, nothing comes any more. Not for streams.
    StallAnswer(usize, usize),
    /// From so many bytes of the server on, nothing comes any more. Not for web clients.
    Stall(usize),
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) origin: Mutex<Origin>,
    pub(super) trouble: Mutex<Trouble>,
    /// How many bytes each answer had; those of a stream are one.
    pub(super) sent: Mutex<Vec<usize>>,
}

impl State {
    pub(super) fn trouble(&self) -> Trouble {
        *self.trouble.lock().unwrap()
    }
}
