//! What a failure of the client of a checksum database means.

use stoa_fetch::{FetchError, Reply};
use stoa_storage::StorageError;
use stoa_sumdb::{ClientError, HeadOrigin, KeyName, RemoteError, RemotePath};

use super::{Alarm, ChecksumError, checksum_error::said};
use crate::{Cause, ProxyError};

/// What the answer to `path` not coming means.
pub(super) fn failure(database: &KeyName, path: &RemotePath, error: ClientError) -> ProxyError {
    let database = database.clone();
    let (alarm, reason) = match error {
        ClientError::Remote { path: at, source } => match remote(source) {
            Lack::NotFound(reply)
                if at == *path && matches!(at, RemotePath::Lookup(_)) && !is_pending(&reply) =>
            {
                return ChecksumError::NotRecorded { database, reply }.into();
            }
            // What must be there for the answer to be verified is not, yet.
            Lack::NotFound(reply) => {
                let reason = format!("{at}: {}", said(&reply)).into();
                return ChecksumError::Behind { database, reason }.into();
            }
            Lack::Failed(Cause::Fetch(FetchError::Invalid { reason, .. })) => {
                (Alarm::BadAnswer, format!("{at}: {reason}"))
            }
            Lack::Failed(Cause::Fetch(error)) => {
                return ChecksumError::Unavailable { database, error }.into();
            }
            Lack::Failed(cause) => return cause.into(),
        },
        ClientError::OutsideTree { .. } => {
            let reason = error.to_string().into();
            return ChecksumError::Behind { database, reason }.into();
        }
        ClientError::NoTile { .. } | ClientError::TileHeight { .. } => {
            let reply = not_found(format!("not found: {error}"));
            return ChecksumError::NotRecorded { database, reply }.into();
        }
        ClientError::Store(error) => {
            return match error.downcast::<StorageError>() {
                Ok(error) => ProxyError::from(*error),
                Err(error) => ProxyError::internal(ClientError::Store(error).to_string()),
            };
        }
        ClientError::Contended => return ProxyError::internal(error.to_string()),
        ClientError::Note {
            origin: HeadOrigin::Stored,
            ..
        }
        | ClientError::Head {
            origin: HeadOrigin::Stored,
            ..
        } => {
            return ProxyError::internal(format!(
                "{error}; if the key of {database} was changed, remove sumdb/{database} from the storage"
            ));
        }
        error => (kind(&error), error.to_string()),
    };
    let reason = reason.strip_prefix("security error: ").unwrap_or(&reason).into();
    ChecksumError::Alarm {
        database,
        alarm,
        reason,
    }
    .into()
}

/// Whether "not found" is said of a record that is on its way into the log: nothing but its text tells.
fn is_pending(reply: &Reply) -> bool {
    let text = reply.text().unwrap_or_default().to_ascii_lowercase();
    ["not yet integrated", "not integrated", "not been integrated"]
        .iter()
        .any(|words| text.contains(words))
}

fn kind(error: &ClientError) -> Alarm {
    match error {
        ClientError::Fork(_) => Alarm::Fork,
        ClientError::Rollback { .. } => Alarm::Rollback,
        ClientError::ForeignRecord { .. } => Alarm::ForeignRecord,
        ClientError::WrongRecord { .. } => Alarm::WrongRecord,
        ClientError::Note { .. } => Alarm::BadSignature,
        ClientError::Tiles(_) => Alarm::BadTile,
        _ => Alarm::BadAnswer,
    }
}

enum Lack {
    NotFound(Reply),
    Failed(Cause),
}

fn not_found(text: String) -> Reply {
    Reply {
        status: 404,
        content_type: None,
        body: text.into(),
    }
}

fn remote(error: RemoteError) -> Lack {
    match error {
        RemoteError::NotFound { message, gone } => Lack::NotFound(Reply {
            status: if gone { 410 } else { 404 },
            ..not_found(message)
        }),
        RemoteError::Failed(error) => match error.downcast::<ProxyError>() {
            Ok(error) => Lack::Failed(error.cause().clone()),
            Err(error) => Lack::Failed(Cause::Internal {
                reason: error.to_string(),
            }),
        },
    }
}
