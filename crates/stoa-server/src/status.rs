//! The one place where an error's meaning becomes a status and a text.

use std::{fmt::Write as _, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use stoa_proxy::{Meaning, ProxyError};
use stoa_telemetry::visible;

use crate::{PathError, gate::GateRefusal, local_places::LocalPlaces};

/// What the go command prints of an error (`cmd/go/internal/web`): so many lines, so many bytes, up to a blank line.
const MAX_LINES: usize = 8;
const MAX_BYTES: usize = 648;

/// The status of a meaning. A source's failure is never a 404: that would send the client to the next source.
///
/// So are failures of our own storage, whose statuses say whether asking again helps by itself (503) or only when an
/// operator has made room (507).
pub fn status_of(meaning: Meaning) -> StatusCode {
    match meaning {
        // The client that must not wait has somebody else to ask, or comes again.
        Meaning::NotFound | Meaning::Coming => StatusCode::NOT_FOUND,
        Meaning::Gone => StatusCode::GONE,
        Meaning::Refused => StatusCode::FORBIDDEN,
        Meaning::BadUpstream => StatusCode::BAD_GATEWAY,
        Meaning::Deadline => StatusCode::GATEWAY_TIMEOUT,
        Meaning::Overloaded | Meaning::StorageUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        Meaning::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        Meaning::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Meaning::Unsupported => StatusCode::NOT_IMPLEMENTED,
    }
}

/// The answer to a path that neither a mount nor the GOPROXY protocol has.
pub(crate) const UNKNOWN_PATH: &str =
    "not a GOPROXY path: want /MODULE/@v/list, /MODULE/@v/VERSION.{info,mod,zip} or /MODULE/@latest\n";

/// An error as it is sent: always as plain text.
#[derive(Debug)]
pub(crate) struct ErrorReply {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    /// Seconds until a retry makes sense.
    pub(crate) retry_after: Option<u64>,
    /// `WWW-Authenticate`.
    pub(crate) challenge: Option<Box<HeaderValue>>,
    /// The job that brings it in, or was to.
    pub(crate) job: Option<Box<HeaderValue>>,
}

impl ErrorReply {
    /// The answer to a question that failed. Of the machine's own `places` it tells nothing.
    pub(crate) fn of(error: &ProxyError, places: &LocalPlaces) -> Self {
        let status = status_of(error.meaning());
        // Who comes back sooner than that is refused again.
        let whole = |after: Duration| after.as_secs() + u64::from(after.subsec_nanos() > 0);
        let retry_after = error.retry_after().map(|after| whole(after).max(1));
        let body = match error.reply().and_then(|reply| reply.text()) {
            // A source that is sure that there is none is the one to say why.
            Some(said) if error.is_not_found() => error_text(first_paragraph(said), ""),
            said => error_text(&places.hide(&error.to_string()), said.unwrap_or_default()),
        };
        Self {
            status,
            body: body.into(),
            retry_after,
            challenge: None,
            job: error
                .job()
                .and_then(|job| HeaderValue::try_from(job).ok())
                .map(Box::new),
        }
    }
}

impl ErrorReply {
    /// A request that makes no sense.
    pub(crate) fn bad_request(reason: impl std::fmt::Display) -> Self {
        Self::own(StatusCode::BAD_REQUEST, &reason.to_string())
    }

    pub(crate) fn own(status: StatusCode, reason: &str) -> Self {
        Self {
            status,
            body: error_text(reason, "").into(),
            retry_after: None,
            challenge: None,
            job: None,
        }
    }
}

impl From<PathError> for ErrorReply {
    fn from(error: PathError) -> Self {
        Self::bad_request(error)
    }
}

impl From<GateRefusal> for ErrorReply {
    fn from(refusal: GateRefusal) -> Self {
        let (status, reason) = match &refusal {
            GateRefusal::Unauthenticated { reason, .. } => (StatusCode::UNAUTHORIZED, reason),
            GateRefusal::Forbidden { reason } => (StatusCode::FORBIDDEN, reason),
            GateRefusal::Hidden { reason } => (StatusCode::NOT_FOUND, reason),
            GateRefusal::Unavailable { reason } => (StatusCode::SERVICE_UNAVAILABLE, reason),
        };
        let mut reply = Self::own(status, reason);
        match refusal {
            GateRefusal::Unauthenticated { challenge, .. } => reply.challenge = challenge.map(Box::new),
            GateRefusal::Unavailable { .. } => reply.retry_after = Some(1),
            GateRefusal::Forbidden { .. } | GateRefusal::Hidden { .. } => {}
        }
        reply
    }
}

/// What comes before the first blank line, where the go command stops to print.
fn first_paragraph(said: &str) -> &str {
    let said = said.trim_start();
    let lines = said
        .split_inclusive('\n')
        .take_while(|line| !line.trim().is_empty());
    &said[..lines.map(str::len).sum()]
}

/// The text of an error: the cause in the first line, then what the source said, within what the go command prints. Every
/// character of it shows: a go command prints what it gets, and a source must not steer the terminal.
pub fn error_text(cause: &str, said: &str) -> String {
    let mut text = String::new();
    let lines = cause
        .lines()
        .chain(said.lines())
        .map(str::trim_end)
        .filter(|line| !line.is_empty());
    for line in lines.take(MAX_LINES).map(visible) {
        let room = MAX_BYTES.saturating_sub(text.len() + 1);
        let cut = line
            .char_indices()
            .map(|(i, c)| i + c.len_utf8())
            .take_while(|end| *end <= room)
            .last();
        let Some(cut) = cut else { break };
        let _infallible = writeln!(text, "{}", &line[..cut]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_ends_with_a_blank_line() {
        for (said, first) in [("\na\n  b\r\n \r\nc", "a\n  b\r\n"), ("a", "a"), ("\n\n", "")] {
            assert_eq!(first_paragraph(said), first);
        }
    }

    #[test]
    fn a_text_fits_what_the_go_command_prints() {
        assert_eq!(error_text("cause", "said\n\nmore\n"), "cause\nsaid\nmore\n");
        assert_eq!(error_text("a", &"line\n".repeat(20)).lines().count(), MAX_LINES);
        assert_eq!(
            error_text("\u{1b}]0;title\u{7}", "a\u{202e}b\r\n\u{9b}2J\tc"),
            "\\u001b]0;title\\u0007\na\\u202eb\n\\u009b2J\tc\n"
        );
        let long = error_text(&"é".repeat(600), "more");
        assert!(long.len() <= MAX_BYTES && long.ends_with("é\n"), "{}", long.len());
    }

    #[test]
    fn a_storage_error_has_a_status_of_its_own_and_names_no_place() {
        use std::{io::ErrorKind, path::Path};
        for (kind, status, retry_after) in [
            (ErrorKind::StorageFull, 507, Some(60)),
            (ErrorKind::PermissionDenied, 503, Some(10)),
            (ErrorKind::NotFound, 503, Some(10)),
            (ErrorKind::InvalidFilename, 404, None),
        ] {
            let place = Path::new("/srv/modules/.stoa/tmp/1");
            let error = stoa_storage::StorageError::from_io("write", place, kind.into());
            let reply = ErrorReply::of(&ProxyError::from(error.clone()), &LocalPlaces::default());
            assert_eq!(
                (reply.status.as_u16(), reply.retry_after),
                (status, retry_after),
                "{kind:?}"
            );
            let text = String::from_utf8(reply.body.to_vec()).expect("utf-8");
            assert_eq!(text, format!("{error}\n"));
            assert!(!text.contains("/srv") && !text.contains(".stoa"), "{text}");
        }
    }

    #[test]
    fn every_meaning_has_the_status_of_the_design() {
        for (meaning, status) in [
            (Meaning::NotFound, 404),
            (Meaning::Coming, 404),
            (Meaning::Gone, 410),
            (Meaning::Refused, 403),
            (Meaning::BadUpstream, 502),
            (Meaning::Deadline, 504),
            (Meaning::Overloaded, 503),
            (Meaning::StorageUnavailable, 503),
            (Meaning::StorageFull, 507),
            (Meaning::Internal, 500),
            (Meaning::Unsupported, 501),
        ] {
            assert_eq!(status_of(meaning).as_u16(), status);
        }
    }
}
