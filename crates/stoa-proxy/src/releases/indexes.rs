//! What there is, as far as is known.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_cache::{Flights, LostError, Offload};
use stoa_dispatch::Class;
use stoa_fetch::{Context, FetchError, ReleaseServer};
use stoa_storage::{ETag, MAX_RECORD, RecordName, Records};
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::{index::ReleaseIndex, metrics::ReleaseMetrics, request::IndexKind};
use crate::{Cause, Outcome, ProxyError};

/// The largest index, in bytes; that of go.dev has some 3 MB.
const MAX_INDEX: u64 = MAX_RECORD as u64;
/// What an index has of each file at least, in bytes: so long ones are read off the threads that answer.
const SHORTEST_FILE: usize = 64;
/// An index that is old is waited for so long, and is given out then. Its refresh goes on.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long indexes are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexOptions {
    /// An index is fresh for so long.
    pub ttl: Duration,
    /// After a failure the server is left alone for so long, as long as there is an older index.
    pub rest: Duration,
}

/// An index, as it came.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) text: Bytes,
    pub(super) etag: ETag,
    pub(super) index: ReleaseIndex,
    /// When the server was asked; `None` if an earlier process asked.
    asked: Option<Instant>,
}

/// What is known of one kind.
#[derive(Debug, Default)]
struct State {
    known: Option<Arc<Known>>,
    failed: Option<Instant>,
    /// What earlier processes kept has been looked for.
    is_loaded: bool,
}

/// Both indexes: remembered, and kept as records, so that they are there when the server is not.
#[derive(Debug)]
pub(super) struct Indexes {
    shared: Arc<Shared>,
    flights: Flights<&'static str, (), Arc<Known>, ProxyError>,
}

#[derive(Debug)]
struct Shared {
    /// `None` if nobody is asked.
    server: Option<Arc<ReleaseServer>>,
    records: Arc<dyn Records>,
    options: IndexOptions,
    states: [Mutex<State>; 2],
    offload: Offload,
    metrics: ReleaseMetrics,
}

impl Indexes {
    pub(super) fn new(
        server: Option<Arc<ReleaseServer>>,
        records: Arc<dyn Records>,
        options: IndexOptions,
        metrics: ReleaseMetrics,
        tasks: TaskTracker,
    ) -> Self {
        let shared = Shared {
            server,
            records,
            options,
            states: Default::default(),
            offload: Offload::new(1),
            metrics,
        };
        Self {
            shared: Arc::new(shared),
            flights: Flights::new(tasks, IndexKind::ALL.len()),
        }
    }

    /// How long an index is fresh after it was asked for.
    pub(super) fn ttl(&self) -> Duration {
        self.shared.options.ttl
    }

    /// The index: a fresh one, or an old one while there is no other.
    pub(super) async fn get(
        &self,
        kind: IndexKind,
        context: &Context,
    ) -> Result<(Arc<Known>, Outcome), ProxyError> {
        let known = self.shared.known(kind).await;
        let Some(known) = known else {
            return Ok((self.refresh(kind, context).await?, Outcome::Miss));
        };
        if self.shared.server.is_none() || self.shared.is_fresh(&known) {
            return Ok((known, Outcome::Hit));
        }
        if self.shared.is_resting(kind) {
            return Ok((known, Outcome::Stale));
        }
        match timeout(PATIENCE, self.refresh(kind, context)).await {
            Ok(Ok(new)) => Ok((new, Outcome::Miss)),
            Ok(Err(_)) | Err(_) => Ok((known, Outcome::Stale)),
        }
    }

    /// The index that was known last, whatever its age; `None` if there is none.
    pub(super) async fn known(&self, kind: IndexKind) -> Option<Arc<Known>> {
        self.shared.known(kind).await
    }

    /// A fresh index, or why there is none.
    pub(super) async fn fresh(&self, kind: IndexKind, context: &Context) -> Result<Arc<Known>, ProxyError> {
        match self.shared.known(kind).await {
            Some(known) if self.shared.server.is_none() || self.shared.is_fresh(&known) => Ok(known),
            _ => self.refresh(kind, context).await,
        }
    }

    /// Asks the server, together with all who ask at the same time.
    async fn refresh(&self, kind: IndexKind, context: &Context) -> Result<Arc<Known>, ProxyError> {
        let work = |()| {
            let (shared, context) = (
                Arc::clone(&self.shared),
                context.shared(Class::Interactive.into()),
            );
            async move { shared.fetch(kind, &context).await }.in_current_span()
        };
        let landed = self.flights.join(&kind.as_str(), || (), work)?.wait().await;
        let landed = landed
            .map_err(|LostError| ProxyError::internal("the fetch panicked or was dropped; see the log"))?;
        landed.result
    }
}

impl Shared {
    fn state(&self, kind: IndexKind) -> &Mutex<State> {
        match kind {
            IndexKind::Recent => &self.states[0],
            IndexKind::All => &self.states[1],
        }
    }

    fn is_fresh(&self, known: &Known) -> bool {
        known
            .asked
            .is_some_and(|asked| asked.elapsed() < self.options.ttl)
    }

    fn is_resting(&self, kind: IndexKind) -> bool {
        let failed = self.state(kind).lock().failed;
        failed.is_some_and(|failed| failed.elapsed() < self.options.rest)
    }

    /// What is in memory, or what an earlier process kept.
    async fn known(&self, kind: IndexKind) -> Option<Arc<Known>> {
        {
            let state = self.state(kind).lock();
            if state.known.is_some() || state.is_loaded {
                return state.known.clone();
            }
        }
        let kept = match self.records.read(&record(kind)?).await {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!(error = %error.report(), "the index of releases that is kept cannot be read");
                return None;
            }
        };
        let read = match kept {
            None => None,
            Some(text) => match self.read(text, None).await {
                Ok(known) => Some(Arc::new(known)),
                Err(error) => {
                    tracing::warn!(error, "the index of releases that is kept is none");
                    None
                }
            },
        };
        let mut state = self.state(kind).lock();
        state.is_loaded = true;
        if state.known.is_none() {
            state.known = read;
        }
        state.known.clone()
    }

    async fn read(&self, text: Bytes, asked: Option<Instant>) -> Result<Known, String> {
        let (files, parsed) = (text.len() / SHORTEST_FILE, text.clone());
        let index = self
            .offload
            .run(files, move || ReleaseIndex::parse(&parsed))
            .await?;
        Ok(Known {
            etag: ETag::of_content(&text),
            text,
            index,
            asked,
        })
    }

    /// Asks the server, and keeps what it says.
    async fn fetch(&self, kind: IndexKind, context: &Context) -> Result<Arc<Known>, ProxyError> {
        let result = self.ask(kind, context).await;
        self.metrics.fetched("release_index", &result);
        let mut state = self.state(kind).lock();
        match &result {
            Ok(known) => {
                state.known = Some(Arc::clone(known));
                state.failed = None;
            }
            Err(_) => state.failed = Some(Instant::now()),
        }
        drop(state);
        if let Err(error) = &result {
            tracing::warn!(error = %error.report(), "the index of releases cannot be read");
        }
        result
    }

    async fn ask(&self, kind: IndexKind, context: &Context) -> Result<Arc<Known>, ProxyError> {
        let Some(server) = &self.server else {
            let what = format!("the index of releases ({})", kind.query());
            return Err(Cause::NotStored { what }.into());
        };
        let asked = Instant::now();
        let text = match server.index(kind.query(), MAX_INDEX, context).await {
            // Whoever has no index is no server of releases, or not well.
            Err(FetchError::NotFound(_)) => {
                Err(ProxyError::invalid(server.name(), "it has no index of releases"))
            }
            text => text.map_err(ProxyError::from),
        }?;
        let known = self.read(text, Some(asked)).await;
        let known = known.map_err(|reason| ProxyError::invalid(server.name(), reason))?;
        let before = self.known(kind).await;
        if before.is_none_or(|before| before.text != known.text)
            && let Some(name) = record(kind)
            && let Err(error) = self.records.write(&name, known.text.clone()).await
        {
            tracing::warn!(error = %error.report(), "the index of releases cannot be kept");
        }
        Ok(Arc::new(known))
    }
}

/// Where an index is kept. No archive has this name.
fn record(kind: IndexKind) -> Option<RecordName> {
    format!("dl/index/{}.json", kind.as_str()).parse().ok()
}
