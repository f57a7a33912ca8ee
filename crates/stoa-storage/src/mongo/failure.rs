//! What errors of the driver mean.

use std::io;
use std::path::Path;

use mongodb::error::{Error, ErrorKind, WriteFailure};

use crate::error::StorageError;
use crate::remote_fault::RemoteFault;

/// The unique index, or that of `_id`, has the key already.
const DUPLICATE: i32 = 11_000;
/// `Unauthorized`, `AuthenticationFailed`, and what Atlas says instead of them.
const REFUSALS: [i32; 3] = [13, 18, 8000];
/// `OutOfDiskSpace`, and what Atlas says when the quota of a cluster is used up.
const FULL: [i32; 2] = [14_031, 8003];

/// The meaning of an error that was met when doing `action` (a verb) to `place`. No error of the driver has the password
/// in it: it knows no text of the URL but the hosts.
pub(super) fn failure(action: &'static str, place: &str, error: Error) -> StorageError {
    let code = code(&error);
    if code.is_some_and(|code| FULL.contains(&code)) {
        let error = io::Error::new(io::ErrorKind::StorageFull, error);
        return StorageError::from_io(action, Path::new(place), error);
    }
    let is_refused = code.is_some_and(|code| REFUSALS.contains(&code))
        || matches!(*error.kind, ErrorKind::Authentication { .. });
    let fault = match *error.kind {
        _ if is_refused => RemoteFault::BadCredentials,
        ErrorKind::InvalidResponse { .. } | ErrorKind::IncompatibleServer { .. } => RemoteFault::BadAnswer,
        _ => RemoteFault::Away,
    };
    StorageError::remote(fault, action, place, error)
}

/// What is kept at `place` is not what this adapter or Athens writes.
pub(super) fn malformed(place: &str, reason: impl Into<String>) -> StorageError {
    StorageError::damaged(Path::new(place), reason)
}

/// Whether there is such a key already.
pub(super) fn is_duplicate(error: &Error) -> bool {
    code(error) == Some(DUPLICATE)
}

fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(error) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteError(error)) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => Some(error.code),
        ErrorKind::InsertMany(error) => {
            let first = error.write_errors.as_ref().and_then(|errors| errors.first());
            first.map(|error| error.code)
        }
        _ => None,
    }
}
