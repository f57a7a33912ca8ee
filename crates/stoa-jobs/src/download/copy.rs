//! The content on its way into the file.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::{
    exchange::Content,
    session::Session,
    sniff::{SNIFFED, sniff},
    throughput::Throughput,
    transport::{Body, TransportError},
    verdict::{dead, of_error, retry},
};
use crate::Outcome;

/// How many bytes are written together, if so many have come.
const BATCH: usize = 256 * 1_024;

/// Fills the file with the content: within the limits of size and speed, and for as long as the disk has room. The type is
/// checked as soon as enough has come.
pub(crate) async fn copy(session: &mut Session<'_>, content: Content) -> Result<(), Outcome> {
    let Content {
        mut body, expected, ..
    } = content;
    let min_speed = session.spec.min_speed.or(session.options.min_speed);
    let mut throughput = Throughput::new(min_speed);
    let mut closed = session.guard.subscribe();
    let mut received = 0;
    let mut is_checked = false;
    let mut heard = Instant::now();
    session.run.note("bytes", 0);
    session.check_fits(expected)?;
    if closed.borrow_and_update().is_some() {
        session.check_room(expected)?;
    }
    loop {
        let limit = patience(session, &throughput, heard)?;
        let began = Instant::now();
        let next = tokio::select! {
            biased;
            _ = closed.changed() => {
                throughput.arrive(began.elapsed(), 0);
                if closed.borrow_and_update().is_some() {
                    session.check_room(expected.map(|expected| expected - received))?;
                }
                continue;
            }
            next = timeout(limit, body.next()) => next,
        };
        let waited = began.elapsed();
        let Ok(next) = next else {
            throughput.arrive(waited, 0);
            continue;
        };
        let batch = Batch::gather(next, &mut body);
        throughput.arrive(waited, batch.bytes);
        if batch.bytes > 0 {
            heard = Instant::now();
            received += batch.bytes;
            write(session, expected, received, batch.parts, batch.bytes).await?;
            tell(session, received, &throughput)?;
            if !is_checked && session.partial()?.head().len() >= SNIFFED {
                check_type(session)?;
                is_checked = true;
            }
        }
        match batch.end {
            None => {}
            Some(Ok(())) => break,
            Some(Err(error)) => return Err(of_error(&error)),
        }
    }
    check_end(session, expected, received)
}

/// How long the server may send nothing from now on.
fn patience(session: &Session<'_>, throughput: &Throughput, heard: Instant) -> Result<Duration, Outcome> {
    let patience = throughput.patience();
    if patience.is_some_and(|patience| patience.is_zero()) {
        let rate = throughput.rate();
        let text = format!("the server sends {rate} bytes per second, which is too slow");
        return Err(retry("too_slow", &text));
    }
    let idle = session.idle_timeout();
    let left = idle.saturating_sub(heard.elapsed());
    if left.is_zero() {
        return Err(retry("timeout", &format!("the server sent nothing for {idle:?}")));
    }
    Ok(patience.map_or(left, |patience| patience.min(left)))
}

fn check_end(session: &Session<'_>, expected: Option<u64>, received: u64) -> Result<(), Outcome> {
    let partial = session.partial()?;
    let (length, total) = (partial.length(), partial.total());
    let is_whole = total.is_none_or(|total| total == length);
    if is_whole && expected.is_none_or(|expected| expected == received) {
        return Ok(());
    }
    let announced = total.or(expected).unwrap_or(0);
    let text = format!("unexpected end of the body after {length} of {announced} bytes");
    Err(retry("cut", &text))
}

/// What has come without waiting.
struct Batch {
    parts: Vec<Bytes>,
    bytes: u64,
    /// Whether the body has ended, and how.
    end: Option<Result<(), TransportError>>,
}

impl Batch {
    fn gather(first: Option<Result<Bytes, TransportError>>, body: &mut Body) -> Self {
        let mut batch = Self {
            parts: Vec::new(),
            bytes: 0,
            end: None,
        };
        let mut next = Some(first);
        while let Some(part) = next {
            match part {
                Some(Ok(part)) => {
                    batch.bytes += part.len() as u64;
                    batch.parts.push(part);
                }
                Some(Err(error)) => batch.end = Some(Err(error)),
                None => batch.end = Some(Ok(())),
            }
            let is_full = batch.bytes >= BATCH as u64 || batch.parts.len() >= BATCH / 256;
            if batch.end.is_some() || is_full {
                break;
            }
            next = body.next().now_or_never();
        }
        batch
    }
}

async fn write(
    session: &mut Session<'_>,
    expected: Option<u64>,
    received: u64,
    parts: Vec<Bytes>,
    bytes: u64,
) -> Result<(), Outcome> {
    if let Some(expected) = expected.filter(|expected| *expected < received) {
        session.distrust();
        let text = format!("the server announced {expected} bytes and sent {received}");
        return Err(retry("cut", &text));
    }
    session.check_size(session.partial()?.length() + bytes, "at least")?;
    session.with_file(move |partial| partial.append(&parts)).await
}

fn tell(session: &Session<'_>, received: u64, throughput: &Throughput) -> Result<(), Outcome> {
    let partial = session.partial()?;
    session.run.note("bytes", received);
    session.run.progress(json!({
        "bytes": partial.length(),
        "total": partial.total(),
        "rate": throughput.rate(),
    }));
    Ok(())
}

/// Checks the type of what has come, which is all of it or enough, and returns it.
pub(crate) fn check_type(session: &Session<'_>) -> Result<&'static str, Outcome> {
    let found = sniff(session.partial()?.head());
    session.run.note("content_type", found);
    match &session.spec.mime_type {
        Some(rule) if !rule.accepts(found) => {
            let text = format!("the mime type of the content is {found}, and the job wants {rule}");
            Err(dead("type", &text))
        }
        _ => Ok(found),
    }
}
