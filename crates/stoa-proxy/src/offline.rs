//! The stasher that asks nobody.

use std::fmt;

use async_trait::async_trait;
use stoa_fetch::Question;

use crate::{Cause, ProxyError, Stashed, Stasher};

/// Stands in place of the whole stash pipeline when the network is switched off.
///
/// Its "no" is a not-found, because that is what it is to the client of an offline proxy: the go command tries each
/// prefix of an import path and needs to hear that the wrong ones are not there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offline;

impl fmt::Display for Offline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("offline")
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Stasher for Offline {
    async fn stash(&self, question: &Question) -> Result<Stashed, ProxyError> {
        Err(Cause::NotStored {
            what: question.to_string(),
        }
        .into())
    }
}
