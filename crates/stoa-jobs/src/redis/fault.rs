//! What it means that Redis did not do something.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::StoreError;

/// Why a command has no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// The connection broke. What was asked for may have been done, or not.
    Dropped(StoreError),
    /// The slot of the keys is on another node of the cluster, and nothing was done.
    Moved(String, u16),
    /// Anything else. If the store is away, what was asked for may have been done.
    Failed {
        /// What it means.
        error: StoreError,
        /// Whether the connection is of no use any more.
        is_spent: bool,
    },
}

impl Fault {
    /// The meaning of an error. Its text comes from the library or the server, which repeat no password.
    pub(super) fn of(error: RedisError) -> Self {
        if error.kind() == ErrorKind::Server(ServerErrorKind::Moved)
            && let Some((address, _slot)) = error.redirect_node()
            && let Some((host, port)) = address.rsplit_once(':')
            && let Ok(port) = port.parse()
        {
            return Self::Moved(host.trim_matches(['[', ']']).to_owned(), port);
        }
        if matches!(
            error.kind(),
            ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig
        ) {
            return Self::Failed {
                error: StoreError::unusable(error),
                is_spent: true,
            };
        }
        if error.is_timeout() {
            return Self::Failed {
                error: StoreError::away(error),
                is_spent: true,
            };
        }
        if error.is_connection_dropped() || error.is_io_error() || error.is_unrecoverable_error() {
            return Self::Dropped(StoreError::away(error));
        }
        let (error, is_spent) = match code_of(&error) {
            Some("OOM" | "MISCONF") => (StoreError::full(error), false),
            // A replica that was the master before, or a server that begins: another connection may find a better one.
            Some(
                "READONLY" | "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "ASK" | "NOREPLICAS",
            ) => (StoreError::away(error), true),
            Some("BUSY") => (StoreError::away(error), false),
            _ => (StoreError::unusable(error), false),
        };
        Self::Failed { error, is_spent }
    }

    /// The meaning for those who use the store.
    pub(super) fn into_error(self) -> StoreError {
        match self {
            Self::Dropped(error) | Self::Failed { error, .. } => error,
            Self::Moved(..) => StoreError::away("the nodes of the cluster do not agree where the jobs are"),
        }
    }
}

impl From<RedisError> for Fault {
    fn from(error: RedisError) -> Self {
        Self::of(error)
    }
}

/// The code of an error of the server. Until Redis 7, that of a command in a script stands in the text of another one:
/// `ERR Error running script (call to f_…): @user_script:1: -OOM command not allowed …`.
fn code_of(error: &RedisError) -> Option<&str> {
    let inner = ["OOM", "MISCONF", "READONLY", "CLUSTERDOWN", "NOREPLICAS"];
    let is_inside = |code: &&&str| {
        let text = error.detail().unwrap_or_default();
        text.contains("@user_script") && text.contains(&format!("-{code} "))
    };
    match error.code() {
        Some("ERR") => inner.iter().find(is_inside).copied().or(Some("ERR")),
        code => code,
    }
}
