//! What must not leave.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use stoa_module::PatternList;
use stoa_sumdb::{KeyName, RemotePath};

use super::{ChecksumDatabase, ChecksumError, SumAnswer};
use crate::ProxyError;

/// Refuses lookups of private modules. Outside of everything that remembers or asks.
///
/// A path is matched after it was decoded and parsed, so that no spelling of it gets past: what does not parse is
/// asked of nobody.
#[derive(Debug)]
pub struct PrivateGate {
    inner: Arc<dyn ChecksumDatabase>,
    name: KeyName,
    private: PatternList,
}

impl PrivateGate {
    /// Refuses what `private` matches.
    pub fn new(inner: Arc<dyn ChecksumDatabase>, name: KeyName, private: PatternList) -> Self {
        Self { inner, name, private }
    }
}

impl fmt::Display for PrivateGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "private_gate({}) > {}", self.private, self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChecksumDatabase for PrivateGate {
    async fn get(&self, path: &RemotePath) -> Result<SumAnswer, ProxyError> {
        match path {
            RemotePath::Lookup(module) if self.private.matches(module.path().as_str()) => {
                Err(ChecksumError::Private {
                    module: Box::new(module.clone()),
                    database: self.name.clone(),
                }
                .into())
            }
            _ => self.inner.get(path).await,
        }
    }
}
