//! What answers of the remote mean.

use http::StatusCode;
use stoa_dispatch::{DispatchError, Response};

use crate::error::StorageError;
use crate::remote_fault::RemoteFault;

/// The most of an answer's text that an error repeats, in bytes.
const QUOTED: usize = 512;
/// What Go's `http.MaxBytesReader` says of a body that is too long. Athens' helper answers 400 with this text.
const TOO_LARGE: &str = "request body too large";

/// The meaning of an answer that is neither what was asked for nor "not found".
pub(super) async fn refusal(action: &'static str, place: &str, response: Response) -> StorageError {
    let status = response.status();
    let text = response.into_body().bytes(64 << 10).await;
    let text = text.ok().flatten().unwrap_or_default();
    let text: String = String::from_utf8_lossy(&text[..text.len().min(QUOTED)])
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let fault = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => RemoteFault::BadCredentials,
        StatusCode::PAYLOAD_TOO_LARGE => RemoteFault::TooLarge,
        _ if text.contains(TOO_LARGE) => RemoteFault::TooLarge,
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::GONE => RemoteFault::NoBase,
        status if status.is_redirection() || status.is_client_error() && !is_passing(status) => {
            RemoteFault::BadAnswer
        }
        _ => RemoteFault::Away,
    };
    let reason = format!("it answered {status}: {}", text.trim());
    StorageError::remote(fault, action, place, reason)
}

/// Whether the same question may be answered otherwise a while later.
fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS | StatusCode::TOO_EARLY
    )
}

/// The remote gave no answer, or broke it off.
pub(super) fn away(action: &'static str, place: &str, error: DispatchError) -> StorageError {
    StorageError::remote(RemoteFault::Away, action, place, error)
}

/// The remote gave an answer that makes no sense.
pub(super) fn nonsense(action: &'static str, place: &str, reason: impl Into<String>) -> StorageError {
    StorageError::remote(RemoteFault::BadAnswer, action, place, reason.into())
}
