//! Who may use a mounted part.

use std::fmt;

use http::{HeaderMap, Uri};

use crate::{peer::Peer, problem::Problem};

/// Lets requests into a mounted part, or refuses them.
///
/// It stands behind the gate of the edge, which judges everything: a guard is for what only some callers may use at all,
/// such as administration.
pub trait Guard: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// Judges a request from `peer`. A request of an unknown peer must not be taken for a local one.
    ///
    /// # Errors
    /// The answer to a request that is not let in.
    fn check(&self, peer: Option<Peer>, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem>;
}

/// Lets every request in.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenGuard;

impl fmt::Display for OpenGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("open")
    }
}

impl Guard for OpenGuard {
    fn check(&self, _peer: Option<Peer>, _uri: &Uri, _headers: &HeaderMap) -> Result<(), Problem> {
        Ok(())
    }
}
