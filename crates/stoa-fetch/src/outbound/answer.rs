//! What a server answers: its coding, its body, its failures.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use http::{
    HeaderMap, Version,
    header::{CONTENT_ENCODING, CONTENT_TYPE, TRANSFER_ENCODING},
    response::Parts,
};
use stoa_dispatch::{ResponseBody, Throttled};

use super::Alias;
use crate::{FetchError, NotFound, Reply, SourceName, body::Pieces, error::status_line};

pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?;
    value.to_str().ok().map(str::to_owned)
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// As it is.
    Identity,
    /// As gzip, which Go's client asks for by itself: a server that was made for it may send nothing else.
    Gzip,
}

impl Coding {
    /// That of an answer. None is asked for, and only these are read.
    pub(super) fn of(headers: &HeaderMap, source_name: &SourceName) -> Result<Self, FetchError> {
        let coding = headers.get(CONTENT_ENCODING);
        let is =
            |name: &str| coding.is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(name.as_bytes()));
        match coding {
            None => Ok(Self::Identity),
            Some(_) if is("") || is("identity") => Ok(Self::Identity),
            Some(_) if is("gzip") || is("x-gzip") => Ok(Self::Gzip),
            Some(coding) => {
                let reason = format!("content coding {coding:?} was not asked for");
                Err(FetchError::invalid(source_name, reason))
            }
        }
    }

    /// How many bytes may come where `limit` bytes of content may be: what cannot be packed grows by a little, and members
    /// without content would never end.
    pub(super) fn packed_limit(limit: u64) -> u64 {
        limit.saturating_add(limit / 64).saturating_add(64 << 10)
    }
}

/// Refuses a body without a length that is not chunked either and so ends with the connection (RFC 9112, section 6.3): when
/// the server dies or a middlebox gives up, it looks whole.
pub(super) fn check_framing(head: &Parts, source_name: &SourceName) -> Result<(), FetchError> {
    let is_chunked = || {
        let last = head.headers.get_all(TRANSFER_ENCODING).iter().next_back();
        last.and_then(|codings| codings.as_bytes().rsplit(|byte| *byte == b',').next())
            .is_some_and(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"chunked"))
    };
    let is_framed = match head.version {
        Version::HTTP_09 | Version::HTTP_10 => false,
        Version::HTTP_11 => is_chunked(),
        _ => true,
    };
    if is_framed {
        return Ok(());
    }
    let reason =
        "the body has no length and ends with the connection, so that nobody can tell whether it is whole";
    Err(FetchError::invalid(source_name, reason))
}

/// What arrives, with the dispatcher's errors as this crate's, which speak of the place that was named. The address was
/// judged before the first piece.
pub(super) fn pieces(
    body: ResponseBody,
    source_name: SourceName,
    alias: Option<Alias>,
    total: Duration,
) -> Pieces {
    type State = (ResponseBody, SourceName, Option<Alias>);
    let next = move |(mut body, source_name, alias): State| async move {
        let piece = body.chunk().await?;
        let failed = |error| FetchError::of_dispatch(&source_name, total, "", error).shown_by(alias.as_ref());
        let piece = piece.map_err(failed);
        Some((piece, (body, source_name, alias)))
    };
    stream::unfold((body, source_name, alias), next).boxed()
}

/// 404 and 410 say that there is no such thing; every other status says that the source could not tell. One that asks for a
/// pause while it says so is not asked for as long as it is granted.
pub(super) fn failure(source_name: &SourceName, reply: Reply, throttled: Option<Throttled>) -> FetchError {
    match reply.status {
        404 | 410 => FetchError::NotFound(NotFound {
            reason: reply
                .text()
                .map_or_else(|| format!("{source_name} does not have it"), first_line),
            gone: reply.status == 410,
            reply: Some(reply),
        }),
        status => match throttled {
            Some(Throttled { pause }) => FetchError::Overloaded {
                source_name: source_name.clone(),
                reason: paused(status, reply.text()),
                retry_after: Some(pause),
            },
            None => FetchError::Status {
                source_name: source_name.clone(),
                reply,
            },
        },
    }
}

fn paused(status: u16, said: Option<&str>) -> String {
    let status = status_line(status);
    match said {
        Some(said) => format!("it answered {status} and asked for a pause: {}", first_line(said)),
        None => format!("it answered {status} and asked for a pause"),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_chunks_and_frames_tell_the_end_of_a_body_without_a_length() {
        for (version, codings, is_framed) in [
            (Version::HTTP_11, &["chunked"][..], true),
            (Version::HTTP_11, &["gzip, Chunked "], true),
            (Version::HTTP_11, &["gzip", "chunked"], true),
            (Version::HTTP_11, &["chunked, gzip"], false),
            (Version::HTTP_11, &["chunked", "identity"], false),
            (Version::HTTP_11, &[], false),
            (Version::HTTP_10, &["chunked"], false),
            (Version::HTTP_10, &[], false),
            (Version::HTTP_2, &[], true),
        ] {
            let mut response = http::Response::builder().version(version);
            for coding in codings {
                response = response.header(TRANSFER_ENCODING, *coding);
            }
            let (head, ()) = response.body(()).expect("a head").into_parts();
            let checked = check_framing(&head, &SourceName::new("test"));
            assert_eq!(checked.is_ok(), is_framed, "{version:?} {codings:?}");
        }
    }
}
