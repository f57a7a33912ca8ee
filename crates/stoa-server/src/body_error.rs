//! How a response body fails.

use stoa_proxy::ProxyError;
use stoa_storage::StorageError;

/// Why a body could not be sent to its end. The connection is cut, so that no client takes it for a whole one.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The transfer behind it failed.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A stored file is shorter than it was.
    #[error("a stored file was cut short while it was sent")]
    Short,
    /// The stream of a mounted part failed.
    #[error("the answer broke off: {0}")]
    Mounted(#[from] axum::Error),
    /// A mounted part sent less than it had announced.
    #[error("the answer ended {0} bytes before its announced end")]
    Missing(u64),
}

impl BodyError {
    /// All that is known of it, for the log.
    pub(crate) fn report(&self) -> String {
        match self {
            Self::Proxy(error) => error.report().to_string(),
            Self::Storage(error) => error.report().to_string(),
            Self::Short | Self::Mounted(_) | Self::Missing(_) => self.to_string(),
        }
    }
}
