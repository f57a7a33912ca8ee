//! Why a store did not do what it was asked.

use std::{error::Error, sync::Arc};

/// Why a store did not do what it was asked, by meaning. Cheap to clone.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached or used at the moment; later it may.
    #[error("the job store is away: {0}")]
    Away(Arc<dyn Error + Send + Sync>),
    /// It has no room left.
    #[error("the job store has no room left: {0}")]
    Full(Arc<dyn Error + Send + Sync>),
    /// What it holds, or how it is set up, is nothing that this version can use.
    #[error("the job store cannot be used: {0}")]
    Unusable(Arc<dyn Error + Send + Sync>),
    /// It has been closed.
    #[error("the job store is closed")]
    Closed,
}

impl StoreError {
    /// It is away, for this reason.
    pub fn away(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Away(cause.into().into())
    }

    /// It has no room, for this reason.
    pub fn full(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Full(cause.into().into())
    }

    /// It cannot be used, for this reason.
    pub fn unusable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unusable(cause.into().into())
    }
}
