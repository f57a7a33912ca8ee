//! What can go wrong with a registry.

use std::sync::Arc;

use crate::{NodeId, ServiceName};

/// What can go wrong with a registry. Cheap to clone, because all who wait for an answer share it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RegistryError {
    /// It is away, silent, or fails. It may be back in a moment.
    #[error("{registry} is away: {reason}")]
    Away {
        /// Which one, as it prints itself.
        registry: Arc<str>,
        /// What came of asking it.
        reason: Arc<str>,
    },
    /// It answers, and does not let this process do that: a password is wrong, or a right is missing.
    #[error("{registry} refuses: {reason}")]
    Refused {
        /// Which one, as it prints itself.
        registry: Arc<str>,
        /// What it says.
        reason: Arc<str>,
    },
    /// Another process that is alive has announced itself under this id at another address.
    #[error(
        "the node id {node} of the service {service} is taken: it is announced by {theirs}, and this process is {ours}; give each node an id of its own"
    )]
    Taken {
        /// The service.
        service: ServiceName,
        /// The id.
        node: NodeId,
        /// The address of the other one.
        theirs: Arc<str>,
        /// The address of this one.
        ours: Arc<str>,
    },
    /// What was given, or what was found, is no registration.
    #[error("{reason}")]
    Invalid {
        /// Why.
        reason: Arc<str>,
    },
    /// This registry has no such thing: it cannot be watched, or not by all names.
    #[error("{registry} has no such thing: {reason}")]
    Unsupported {
        /// Which one, as it prints itself.
        registry: Arc<str>,
        /// What it has not.
        reason: Arc<str>,
    },
}

impl RegistryError {
    /// The registry is away.
    pub fn away(registry: &dyn std::fmt::Display, reason: impl std::fmt::Display) -> Self {
        Self::Away {
            registry: registry.to_string().into(),
            reason: reason.to_string().into(),
        }
    }

    /// The registry refuses.
    pub fn refused(registry: &dyn std::fmt::Display, reason: impl std::fmt::Display) -> Self {
        Self::Refused {
            registry: registry.to_string().into(),
            reason: reason.to_string().into(),
        }
    }

    /// The registry has no such thing.
    pub fn unsupported(registry: &dyn std::fmt::Display, reason: impl std::fmt::Display) -> Self {
        Self::Unsupported {
            registry: registry.to_string().into(),
            reason: reason.to_string().into(),
        }
    }

    /// Something is no registration.
    pub fn invalid(reason: impl Into<Arc<str>>) -> Self {
        Self::Invalid {
            reason: reason.into(),
        }
    }

    /// Whether it may be well in a moment without anybody's doing.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Taken { .. })
    }
}
