//! What a failure of the file means.

use std::io;

use rusqlite::{Error, ErrorCode};

use crate::{Fault, IndexError};

/// What a failure of `SQLite` means. Its own text may name the file, and is only a source.
pub(super) fn meaning(error: Error) -> IndexError {
    let code = match &error {
        Error::SqliteFailure(failure, _) => Some(failure.code),
        _ => None,
    };
    let fault = |text: &str, error: Error| Fault::because(text, error);
    match code {
        Some(ErrorCode::DiskFull) => IndexError::Full(fault("its disk is full", error)),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => IndexError::Damaged(fault(
            "its file is none of SQLite, or damaged; make it anew, and rebuild it",
            error,
        )),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            let text =
                "its file cannot be opened or written; let the user of this process do so, in its folder too";
            IndexError::NotPermitted(fault(text, error))
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => IndexError::Unreachable(fault(
            "another process has been writing to it for too long",
            error,
        )),
        // A missing table, or a value of another type.
        Some(ErrorCode::Unknown | ErrorCode::TypeMismatch) | None => IndexError::Damaged(fault(
            "what its file holds was not understood; make it anew, and rebuild it",
            error,
        )),
        Some(_) => IndexError::Unreachable(fault("its file could not be read or written", error)),
    }
}

/// What a failure of the system means, which happened when we wanted to do what `text` says.
pub(super) fn system(text: &str, error: io::Error) -> IndexError {
    let kind = error.kind();
    let fault = Fault::because(text, error);
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => IndexError::Full(fault),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            IndexError::NotPermitted(fault)
        }
        _ => IndexError::BadAddress(fault),
    }
}
