//! What can go wrong while fetching, by meaning.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use stoa_dispatch::{DispatchError, TransportErrorKind};

use crate::outbound::{Alias, is_of_path};

/// The name of a source for messages and logs: its URL without credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SourceName(Arc<str>);

impl SourceName {
    /// A name that must not contain secrets.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An error answer as the source sent it, cut at [`Limits::error_text`](crate::Limits::error_text).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, if there was one.
    pub content_type: Option<String>,
    /// The body, byte for byte.
    pub body: Bytes,
}

impl Reply {
    /// The body for people: only when it is UTF-8 text, trimmed.
    pub fn text(&self) -> Option<&str> {
        let plain = self
            .content_type
            .as_deref()
            .is_none_or(|t| t.starts_with("text/plain"));
        plain
            .then(|| std::str::from_utf8(&self.body).ok().map(str::trim))
            .flatten()
            .filter(|t| !t.is_empty())
    }
}

/// The source is sure that there is no such module or version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// Why, in one line.
    pub reason: String,
    /// The source said 410 rather than 404.
    pub gone: bool,
    /// What an HTTP source answered, to be relayed unchanged.
    pub reply: Option<Reply>,
}

/// What a fetch was waiting for when its deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The head of the answer.
    Response,
    /// The next piece of the body.
    Idle,
    /// The end of the whole transfer.
    Total,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Response => "an answer",
            Self::Idle => "more of the body",
            Self::Total => "the end of the transfer",
        })
    }
}

/// Why a fetch failed. Cheap to clone, because joined callers share one failure.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FetchError {
    /// The source has no such module or version: HTTP 404 or 410, or an absent file.
    #[error("{}", .0.reason)]
    NotFound(NotFound),
    /// Configuration forbids asking anyone.
    #[error("{reason}")]
    Refused {
        /// The rule and why.
        reason: String,
    },
    /// The source could not be reached.
    #[error("{source_name} is unreachable: {}", chain(.cause.as_ref()))]
    Unreachable {
        /// Which source.
        source_name: SourceName,
        /// The cause, with its own causes.
        cause: Arc<dyn Error + Send + Sync>,
    },
    /// The source was reached, and the connection ended before the answer did.
    #[error("{source_name} broke off: {}", chain(.cause.as_ref()))]
    Broken {
        /// Which source.
        source_name: SourceName,
        /// The cause, with its own causes.
        cause: Arc<dyn Error + Send + Sync>,
    },
    /// The source was reached, and could not be read all the same: it refuses us, it failed, its certificate is not valid,
    /// it does not speak HTTP, or what it has cannot be used.
    #[error("{source_name} could not be read: {}", chain(.cause.as_ref()))]
    Unreadable {
        /// Which source.
        source_name: SourceName,
        /// The cause, with its own causes.
        cause: Arc<dyn Error + Send + Sync>,
    },
    /// The source answered with a status that is neither success nor not-found.
    #[error("{source_name} answered {}", status_line(.reply.status))]
    Status {
        /// Which source.
        source_name: SourceName,
        /// Its answer.
        reply: Reply,
    },
    /// A deadline passed.
    #[error("{source_name} did not send {phase} within {after:?}")]
    Timeout {
        /// Which source.
        source_name: SourceName,
        /// What was awaited.
        phase: Phase,
        /// The deadline.
        after: Duration,
    },
    /// The source sent something that the protocol or a limit does not allow.
    #[error("{source_name} sent a bad answer: {reason}")]
    Invalid {
        /// Which source.
        source_name: SourceName,
        /// What is wrong with it.
        reason: String,
    },
    /// Another node of the cluster has asked the source, which has it: what it sends is no good, or always breaks off at the same
    /// place. Asking it once more would bring the same.
    #[error("{source_name} brought it in: {reason}")]
    Condemned {
        /// Which node.
        source_name: SourceName,
        /// What it found.
        reason: String,
    },
    /// The source is not asked now: it has been failing, it has asked for a pause, or too many questions wait for it.
    #[error("{source_name} is not asked now: {reason}")]
    Overloaded {
        /// Which source.
        source_name: SourceName,
        /// What stands in the way.
        reason: String,
        /// When it makes sense to ask again, where that is known.
        retry_after: Option<Duration>,
    },
    /// This machine cannot keep what it needs for an answer.
    #[error("this proxy cannot read repositories: {reason}")]
    Local {
        /// What cannot be done, and why.
        reason: String,
        /// Whether a disk or a quota is full.
        is_full: bool,
    },
    /// The configuration asks for something that this version cannot do.
    #[error("{reason}")]
    Unsupported {
        /// What, and what to do instead.
        reason: String,
    },
}

impl FetchError {
    /// Whether a `,` in a GOPROXY list lets the next source be asked.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    /// Whether the source fails at the path that was asked for, and is there: see
    /// [`PathFailures`](crate::outbound::PathFailures).
    pub fn is_of_path(&self) -> bool {
        matches!(self, Self::Status { reply, .. } if is_of_path(reply.status))
    }

    /// Makes a not-found error that no HTTP source answered.
    pub fn not_found(reason: impl Into<String>) -> Self {
        Self::NotFound(NotFound {
            reason: reason.into(),
            gone: false,
            reply: None,
        })
    }

    /// The same failure of a source, which is called by what was asked of it.
    #[must_use]
    pub(crate) fn while_doing(mut self, what: &str) -> Self {
        match &mut self {
            Self::Unreachable { source_name, .. }
            | Self::Broken { source_name, .. }
            | Self::Unreadable { source_name, .. }
            | Self::Status { source_name, .. }
            | Self::Timeout { source_name, .. }
            | Self::Invalid { source_name, .. }
            | Self::Condemned { source_name, .. }
            | Self::Overloaded { source_name, .. } => *source_name = SourceName::new(what),
            Self::NotFound(_) | Self::Refused { .. } | Self::Local { .. } | Self::Unsupported { .. } => {}
        }
        self
    }

    /// The same failure without the place that a rewrite led to. What the server itself said stays as it is.
    #[must_use]
    pub(crate) fn shown_by(mut self, alias: Option<&Alias>) -> Self {
        let Some(alias) = alias else { return self };
        match &mut self {
            Self::Refused { reason }
            | Self::Overloaded { reason, .. }
            | Self::Local { reason, .. }
            | Self::Unsupported { reason } => {
                *reason = alias.show(reason);
            }
            Self::Unreachable { cause, .. } | Self::Broken { cause, .. } | Self::Unreadable { cause, .. } => {
                let said = chain(cause.as_ref());
                let shown = alias.show(&said);
                if shown != said {
                    *cause = Arc::from(Box::<dyn Error + Send + Sync>::from(shown));
                }
            }
            Self::NotFound(_)
            | Self::Status { .. }
            | Self::Timeout { .. }
            | Self::Invalid { .. }
            | Self::Condemned { .. } => {}
        }
        self
    }

    /// A failure of the dispatcher. `total` is the deadline of the transfer, of which the request that failed may have had
    /// a part only; `advice` is added where only public addresses were allowed.
    pub(crate) fn of_dispatch(
        source_name: &SourceName,
        total: Duration,
        advice: &str,
        error: DispatchError,
    ) -> Self {
        let source_name = source_name.clone();
        let timeout = |phase, after| Self::Timeout {
            source_name: source_name.clone(),
            phase,
            after,
        };
        match error {
            DispatchError::AttemptTimeout { after, .. } => timeout(Phase::Response, after),
            DispatchError::IdleTimeout { after, .. } => timeout(Phase::Idle, after),
            DispatchError::Deadline { .. } => timeout(Phase::Total, total),
            DispatchError::Transport { error, .. } if error.kind() == TransportErrorKind::Private => {
                Self::Refused {
                    reason: format!("{error}{advice}"),
                }
            }
            DispatchError::Transport { error, .. } => {
                let kind = error.kind();
                let cause = Arc::new(error);
                match kind {
                    TransportErrorKind::Connect => Self::Unreachable { source_name, cause },
                    TransportErrorKind::Cut => Self::Broken { source_name, cause },
                    TransportErrorKind::Tls
                    | TransportErrorKind::Protocol
                    | TransportErrorKind::Request
                    | TransportErrorKind::Private => Self::Unreadable { source_name, cause },
                }
            }
            DispatchError::Filtered { .. } => Self::Refused {
                reason: error.to_string(),
            },
            DispatchError::Full { .. }
            | DispatchError::BreakerOpen { .. }
            | DispatchError::Rate { .. }
            | DispatchError::Waited { .. }
            | DispatchError::Evicted { .. }
            | DispatchError::Abandoned { .. }
            | DispatchError::Expired { .. }
            | DispatchError::Closed
            | DispatchError::Aborted => Self::Overloaded {
                source_name,
                reason: error.to_string(),
                retry_after: error.retry_after(),
            },
            DispatchError::Build { .. }
            | DispatchError::NoRequest { .. }
            | DispatchError::Panicked { .. }
            | DispatchError::Cancelled => Self::Unreadable {
                source_name,
                cause: Arc::new(error),
            },
        }
    }

    pub(crate) fn invalid(source_name: &SourceName, reason: impl Into<String>) -> Self {
        Self::Invalid {
            source_name: source_name.clone(),
            reason: reason.into(),
        }
    }
}

/// `404 Not Found`, or the bare number where it has no name.
pub(crate) fn status_line(status: u16) -> String {
    let name = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|s| s.canonical_reason());
    name.map_or_else(|| status.to_string(), |name| format!("{status} {name}"))
}

/// An error with its causes in one line. A cause whose text the outer error already shows is not repeated.
fn chain(error: &(dyn Error + Send + Sync)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let line = cause.to_string();
        if !text.contains(&line) {
            text = format!("{text}: {line}");
        }
        next = cause.source();
    }
    text
}
