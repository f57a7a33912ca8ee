//! What a server answers: its coding, its body, its failures.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use http::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use stoa_dispatch::{ResponseBody, Throttled};

use crate::{FetchError, NotFound, Reply, SourceName, body::Pieces, error::status_line};

pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?;
    value.to_str().ok().map(str::to_owned)
}

/// No coding is asked for, so there must be none.
pub(super) fn check_coding(headers: &HeaderMap, source_name: &SourceName) -> Result<(), FetchError> {
    let coding = headers
        .get(CONTENT_ENCODING)
        .filter(|c| !c.as_bytes().eq_ignore_ascii_case(b"identity"));
    coding.map_or(Ok(()), |coding| {
        let reason = format!("content coding {coding:?} was not asked for");
        Err(FetchError::invalid(source_name, reason))
    })
}

/// What arrives, with the dispatcher's errors as this crate's. The address was judged before the first piece.
pub(super) fn pieces(body: ResponseBody, source_name: SourceName, total: Duration) -> Pieces {
    let next = move |(mut body, source_name): (ResponseBody, SourceName)| async move {
        let piece = body.chunk().await?;
        let piece = piece.map_err(|error| FetchError::of_dispatch(&source_name, total, "", error));
        Some((piece, (body, source_name)))
    };
    stream::unfold((body, source_name), next).boxed()
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
