//! Why no repository was found.

use url::Url;

use crate::FetchError;

/// Why a path has no repository, by meaning. Every text begins with the step, `discovery`; what follows is the go
/// command's where it has one. Cheap enough to clone, because joined callers share one failure.
///
/// # Deviation
///
/// For the go command each of these is "there is no such module". Here only a host that was asked can say
/// that: one that cannot be reached, or that fails, is no proof.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// There is no such repository: no rule allows it, the page has no tag for it, or there is no page for us (4xx).
    #[error("discovery: {reason}")]
    NotExist {
        /// Why, in one line.
        reason: String,
    },
    /// The configuration forbids it.
    #[error("discovery: {reason}")]
    Refused {
        /// Why, with the rule that forbids it.
        reason: String,
    },
    /// A host could not be asked, or did not answer the question.
    #[error("discovery: {reason}: {cause}")]
    Unreachable {
        /// What was asked.
        reason: String,
        /// What happened.
        cause: FetchError,
    },
    /// The page of a path and that of the prefix it names say different things.
    #[error("discovery: {reason}")]
    Disagreement {
        /// Which pages disagree about what.
        reason: String,
    },
    /// A page says something that makes no sense.
    #[error("discovery: {reason}")]
    Malformed {
        /// Which page, and what.
        reason: String,
    },
}

impl DiscoveryError {
    pub(super) fn not_exist(reason: impl Into<String>) -> Self {
        Self::NotExist {
            reason: reason.into(),
        }
    }

    pub(super) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused {
            reason: reason.into(),
        }
    }

    pub(super) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed {
            reason: reason.into(),
        }
    }

    /// A failed request for `url`.
    pub(super) fn failed(what: &str, url: &Url, cause: FetchError) -> Self {
        match cause {
            FetchError::Refused { reason } => Self::refused(format!("{what} {url}: {reason}")),
            cause => Self::Unreachable {
                reason: format!("{what} {url}"),
                cause,
            },
        }
    }

    /// Puts what was looked for in front, as the go command does for paths that only pages know.
    pub(super) fn of_path(mut self, path: &str) -> Self {
        let (Self::NotExist { reason }
        | Self::Refused { reason }
        | Self::Unreachable { reason, .. }
        | Self::Disagreement { reason }
        | Self::Malformed { reason }) = &mut self;
        reason.insert_str(0, &format!("unrecognized import path {path:?}: "));
        self
    }

    /// Whether it is known that there is no such repository.
    pub fn is_not_exist(&self) -> bool {
        matches!(self, Self::NotExist { .. })
    }
}

/// What it means for the fetch of a module.
impl From<DiscoveryError> for FetchError {
    fn from(error: DiscoveryError) -> Self {
        let reason = error.to_string();
        match error {
            DiscoveryError::NotExist { .. } => Self::not_found(reason),
            DiscoveryError::Refused { .. } => Self::Refused { reason },
            DiscoveryError::Unreachable { reason, cause } => {
                cause.while_doing(&format!("discovery: {reason}"))
            }
            DiscoveryError::Disagreement { .. } | DiscoveryError::Malformed { .. } => {
                Self::invalid(&crate::SourceName::new("discovery"), reason)
            }
        }
    }
}
