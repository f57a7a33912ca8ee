//! What remembered things weigh: the bytes that they own on the heap.

use stoa_cache::Weigh as _;
use stoa_fetch::{FetchError, Reply};
use stoa_module::Resource;
use stoa_sumdb::RemotePath;

use crate::{Cause, ChecksumError, ProxyError};

/// Of a question: its path and version, which may be shared with others that last as long.
pub(crate) fn of_resource(resource: &Resource) -> usize {
    resource.module().as_str().len() + resource.version().map_or(0, str::len)
}

/// Of a path of a checksum database.
pub(crate) fn of_remote_path(path: &RemotePath) -> usize {
    match path {
        RemotePath::Lookup(target) => target.path().as_str().len() + target.version().as_str().len(),
        RemotePath::Latest | RemotePath::Tile(_) => 0,
    }
}

/// Of an error: its texts, and the answer of a source that it carries.
pub(crate) fn of_error(error: &ProxyError) -> usize {
    match error.cause() {
        Cause::Fetch(error) => of_fetch_error(error),
        Cause::Sum(failure) => size_of::<ChecksumError>() + of_checksum_error(failure),
        Cause::NotStored { what: text }
        | Cause::NotServed { what: text }
        | Cause::Deadline { what: text } => text.capacity(),
        Cause::Coming { what, job, .. } => what.capacity() + job.len(),
        Cause::Job { text, job, .. } => text.len() + job.len(),
        Cause::Overloaded { reason, .. } | Cause::Internal { reason } => reason.capacity(),
        // Its source is one of the operating system.
        Cause::Storage { .. } => size_of::<std::io::Error>(),
    }
}

fn of_fetch_error(error: &FetchError) -> usize {
    match error {
        FetchError::NotFound(not_found) => {
            not_found.reason.capacity() + not_found.reply.as_ref().map_or(0, of_reply)
        }
        FetchError::Status { reply, .. } => of_reply(reply),
        FetchError::Invalid { reason, .. }
        | FetchError::Condemned { reason, .. }
        | FetchError::Refused { reason }
        | FetchError::Local { reason, .. }
        | FetchError::Unsupported { reason }
        | FetchError::Overloaded { reason, .. } => reason.capacity(),
        // Its cause has a text of about this length.
        FetchError::Unreachable { .. } | FetchError::Broken { .. } | FetchError::Unreadable { .. } => 256,
        FetchError::Timeout { .. } => 0,
    }
}

fn of_checksum_error(failure: &ChecksumError) -> usize {
    match failure {
        ChecksumError::NotRecorded { reply, .. } => of_reply(reply),
        // Hashes, names and a sentence.
        _ => 512,
    }
}

fn of_reply(reply: &Reply) -> usize {
    reply.body.heap_size() + reply.content_type.heap_size()
}
