//! What a server answers: its coding, its body, its failures.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use http::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use stoa_dispatch::ResponseBody;

use super::Alias;
use crate::{FetchError, NotFound, Reply, SourceName, body::Pieces};

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

/// 404 and 410 say that there is no such thing; every other status says that the source could not tell.
pub(super) fn failure(source_name: &SourceName, reply: Reply) -> FetchError {
    match reply.status {
        404 | 410 => FetchError::NotFound(NotFound {
            reason: reply
                .text()
                .map_or_else(|| format!("{source_name} does not have it"), first_line),
            gone: reply.status == 410,
            reply: Some(reply),
        }),
        _ => FetchError::Status {
            source_name: source_name.clone(),
            reply,
        },
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
