//! Whether a repository answers.

use std::fmt;

use async_trait::async_trait;
use stoa_vcs::VcsKind;

use crate::{Context, FetchError, outbound::Address};

/// Asks whether there is a repository at an address, with the programs of its system.
#[async_trait]
pub trait Ping: fmt::Debug + Send + Sync {
    /// `true` if a repository of this system answers there, `false` if there is none; an error if it could
    /// not be asked. It must bound its own time.
    async fn ping(&self, vcs: VcsKind, address: &Address, context: &Context) -> Result<bool, FetchError>;
}
