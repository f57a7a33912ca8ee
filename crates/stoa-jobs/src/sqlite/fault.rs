//! What a failure of the file means.

use std::{error::Error, fmt, io};

use rusqlite::{Error as SqliteError, ErrorCode};

use crate::StoreError;

/// A failure of the file as it may be told to anybody: where the file is stands in its source only.
#[derive(Debug)]
struct Fault {
    text: String,
    source: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// What a failure of `SQLite` means.
pub(super) fn meaning(error: SqliteError) -> StoreError {
    let (code, text) = match &error {
        SqliteError::SqliteFailure(failure, _) if failure.code == ErrorCode::NotADatabase => {
            let text = "its file is none of SQLite, or damaged: name another one, or move this one away";
            (Some(failure.code), text.to_owned())
        }
        SqliteError::SqliteFailure(failure, _) => (Some(failure.code), failure.to_string()),
        _ => (None, "what the file holds was not understood".to_owned()),
    };
    let fault = Fault {
        text,
        source: error.into(),
    };
    match code {
        Some(ErrorCode::DiskFull) => StoreError::full(fault),
        Some(
            ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::TypeMismatch,
        )
        | None => StoreError::unusable(fault),
        _ => StoreError::away(fault),
    }
}

/// The file cannot be used, as `text` says, because of `error`, whose text may name it.
pub(super) fn unusable(text: &str, error: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::unusable(Fault {
        text: text.to_owned(),
        source: error.into(),
    })
}

/// What a failure of the system means, which happened when we wanted to do what `text` says.
pub(super) fn system(text: &str, error: io::Error) -> StoreError {
    let fault = |kind: io::Error| Fault {
        text: text.to_owned(),
        source: kind.into(),
    };
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::full(fault(error)),
        _ => StoreError::unusable(fault(error)),
    }
}
