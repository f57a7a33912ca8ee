//! Goes on where a transfer broke off.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{StreamExt, future::ready, stream};
use stoa_fetch::{FetchError, Fetched, Fetcher, Limits, Question};
use stoa_module::Resource;
use stoa_telemetry::{Counter, EncodeLabelSet, Family, Part};
use tokio::time::{Instant, sleep};

use crate::transfer::{Transfer, is_break, pause};

/// How often something is asked for of which nothing has been passed on yet, all in all,
const TRIES: u32 = 8;
/// and something that stalls: each of these takes as long as `fetch.idle_timeout`.
const STALLED_TRIES: u32 = 2;
/// The longest pause in between.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Sees to it that a body which breaks off arrives all the same, if anybody still has it.
///
/// The go command asks for nothing a second time, so that one connection that is reset ends a build. A zip goes on under
/// the answer that its client is reading: by a range if the source vouches for what it had, else by the whole once more,
/// whose beginning must be what has been sent. Small files are read here, and asked for again.
///
/// Nobody is asked who would not have been asked about the same failure before the first byte, and all of it has the time
/// of one transfer.
#[derive(Debug)]
pub struct Resumed {
    inner: Arc<dyn Fetcher>,
    total: Duration,
    limits: Limits,
    metrics: BreakMetrics,
}

/// What is counted of transfers that broke off.
#[derive(Clone, Debug)]
pub struct BreakMetrics(Family<BreakLabels, Counter>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BreakLabels {
    resource: &'static str,
    result: &'static str,
}

impl BreakMetrics {
    /// Registers the metrics in `part`.
    pub fn new(part: &Part) -> Self {
        let help =
            "Transfers that broke off: those that arrived whole all the same (saved), and the others (lost)";
        let family = part.counters("transfers_broken", help);
        // Shown from the start, so that the first one is an increase and not a new series.
        for result in ["saved", "lost"] {
            let resource = "zip";
            drop(family.get_or_create_owned(&BreakLabels { resource, result }));
        }
        Self(family)
    }

    pub(crate) fn count(&self, resource: &'static str, is_saved: bool) {
        let result = if is_saved { "saved" } else { "lost" };
        self.0.get_or_create(&BreakLabels { resource, result }).inc();
    }
}

impl Resumed {
    /// Gives a transfer `total`, however often it breaks off, and holds it to `limits`.
    pub fn new(inner: Arc<dyn Fetcher>, total: Duration, limits: Limits, metrics: BreakMetrics) -> Self {
        Self {
            inner,
            total,
            limits,
            metrics,
        }
    }

    /// A zip, whose rest is asked for when it is needed.
    fn zip(&self, mut fetched: Fetched, deadline: Instant) -> Result<Fetched, FetchError> {
        let Some(rest) = fetched.rest.take() else {
            return Ok(fetched);
        };
        let (source_name, len, slot) = (fetched.source_name.clone(), fetched.len, fetched.slot.take());
        let of_repository = fetched.of_repository;
        let metrics = self.metrics.clone();
        let ended = move |is_saved| metrics.count("zip", is_saved);
        let transfer = Transfer::new(fetched, rest, deadline, Box::new(ended));
        let pieces = stream::unfold(transfer, async |mut transfer| {
            let piece = transfer.next().await?;
            Some((piece, transfer))
        });
        let fetched = Fetched::new(source_name, len, self.limits.zip, pieces.boxed())?;
        Ok(Fetched {
            slot,
            of_repository,
            ..fetched
        })
    }

    /// What came of one question: a small file is read to its end.
    async fn answer(&self, question: &Question, deadline: Instant) -> Result<Fetched, FetchError> {
        let mut fetched = self.inner.fetch(question).await?;
        if matches!(question.resource, Resource::Zip(_)) {
            return self.zip(fetched, deadline);
        }
        if fetched.of_repository {
            return Ok(fetched);
        }
        // Kept until the file is stored.
        let slot = fetched.slot.take();
        let source_name = fetched.source_name.clone();
        let bytes = fetched.bytes().await?;
        let len = bytes.len() as u64;
        let fetched = Fetched::new(
            source_name,
            Some(len),
            len,
            stream::once(ready(Ok(bytes))).boxed(),
        )?;
        Ok(Fetched { slot, ..fetched })
    }
}

/// How long to wait before a question is asked once more that has broken off so many times; `None` if it has been asked
/// often enough.
fn patience(tries: u32, error: &FetchError) -> Option<Duration> {
    let (most, longest) = match error {
        FetchError::Timeout { .. } => (STALLED_TRIES, Duration::ZERO),
        _ => (TRIES, LONGEST_PAUSE),
    };
    let pause = pause(tries, error)?.min(longest);
    (tries < most).then_some(pause)
}

impl fmt::Display for Resumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resumed > {}", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Fetcher for Resumed {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        let deadline = Instant::now() + self.total;
        let kind = question.resource.kind();
        let mut question = question.clone();
        let mut tries = 0;
        loop {
            let error = match self.answer(&question, deadline).await {
                // A zip has only begun.
                Ok(fetched) => {
                    if tries > 0 {
                        self.metrics.count(kind, true);
                    }
                    return Ok(fetched);
                }
                Err(error) => error,
            };
            tries += u32::from(is_break(&error));
            let again = is_break(&error).then(|| patience(tries, &error)).flatten();
            let Some(pause) = again.filter(|pause| Instant::now() + *pause < deadline) else {
                if tries > 0 {
                    self.metrics.count(kind, false);
                }
                return Err(error);
            };
            tracing::info!(%error, resource = %question.resource, tries, "an answer broke off; it is asked for again");
            sleep(pause).await;
            question.context.deadline = Some(deadline);
            question.context.again = true;
        }
    }
}
