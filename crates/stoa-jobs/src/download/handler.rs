//! The handler of jobs of kind `url`.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use serde::Deserialize as _;

use super::{
    copy::copy,
    disk_guard::DiskGuard,
    exchange::{Answer, ask},
    partials::Partials,
    publish::finish,
    result::DownloadResult,
    session::{DownloadOptions, Session},
    sink::Sink,
    spec::DownloadSpec,
    transport::Transport,
    verdict::{dead, retry},
};
use crate::{Failure, Handler, Outcome, Run, Store};

/// Downloads URLs: the handler of jobs of kind `url`, whose payload is a [`DownloadSpec`] and whose result a
/// [`DownloadResult`].
///
/// A run asks for the content, writes it into a partial file while it checks size, speed and type, syncs it, checks its digest,
/// reads the size of an image, asks the store whether the job is still its own, and publishes the file. What a run that was cut
/// off has left, the next one on the same node goes on from, if the server vouches for it by a strong validator.
///
/// What becomes of a job, by the class of its failure:
///
/// | outcome | classes |
/// |---|---|
/// | another run | `connect`, `dns`, `timeout`, `cut`, `protocol`, `too_slow`, `proxy`, `headers` of the operator; `status` of 202, 408, 425, 429 and 5xx but 501; `digest` of content that was fetched in parts |
/// | put off, not charged | `status` of 429 and 503 with `Retry-After`, ten times in a row; `paused`, `overloaded`, `sink` |
/// | interrupted, not charged | `disk`, `interrupted` |
/// | dead | `payload`, `headers` of the job, `tls`, `refused`, `redirects`, `type`, `digest`, `too_large`, `image`; every other `status` |
///
/// Success is 200, 203, a 206 that goes on where the file ends, and a 304 to a conditional request.
#[derive(Debug)]
pub struct Downloads {
    transport: Arc<dyn Transport>,
    sink: Arc<dyn Sink>,
    sinks: BTreeMap<String, Arc<dyn Sink>>,
    partials: Partials,
    guard: Arc<DiskGuard>,
    options: DownloadOptions,
}

impl Downloads {
    /// Downloads through `transport` into `sink`, with partial files in the folder `temporary`, which is made if it is not
    /// there. `guard` watches the volumes of both, and its gate belongs to the kind `url`.
    pub fn new(
        transport: Arc<dyn Transport>,
        sink: Arc<dyn Sink>,
        temporary: impl Into<PathBuf>,
        guard: Arc<DiskGuard>,
        options: DownloadOptions,
    ) -> io::Result<Self> {
        Ok(Self {
            transport,
            sink,
            sinks: BTreeMap::new(),
            partials: Partials::new(temporary.into())?,
            guard,
            options,
        })
    }

    /// Publishes files of jobs that name the sink `name` there.
    #[must_use]
    pub fn with_sink(mut self, name: &str, sink: Arc<dyn Sink>) -> Self {
        self.sinks.insert(name.to_owned(), sink);
        self
    }

    /// Removes partial files that nobody writes to and that have not changed for `age`: jobs that were cancelled, or that ended
    /// on another node, leave theirs. Returns how many there were. The owner of the engine calls it now and then.
    pub async fn sweep(&self, age: Duration) -> io::Result<usize> {
        let partials = self.partials.clone();
        let swept = tokio::task::spawn_blocking(move || partials.sweep(age)).await;
        swept.unwrap_or_else(|panic| Err(io::Error::other(panic)))
    }

    /// Removes partial files of jobs that have ended, or that `store` does not know any more: they were cancelled, are dead, or were
    /// done by another node. Returns how many there were. The owner of the engine calls it now and then.
    pub async fn sweep_ended(&self, store: &dyn Store) -> io::Result<usize> {
        let partials = self.partials.clone();
        let jobs = tokio::task::spawn_blocking(move || partials.jobs()).await;
        let mut ended = BTreeSet::new();
        for id in jobs.unwrap_or_else(|panic| Err(io::Error::other(panic)))? {
            let job = store.job(&id).await.map_err(io::Error::other)?;
            if job.is_none_or(|(job, _)| job.state.name().has_ended()) {
                ended.insert(id);
            }
        }
        let partials = self.partials.clone();
        let removed = tokio::task::spawn_blocking(move || partials.remove(&ended)).await;
        removed.unwrap_or_else(|panic| Err(io::Error::other(panic)))
    }

    async fn download(&self, run: &Run) -> Result<DownloadResult, Outcome> {
        let spec = DownloadSpec::deserialize(&run.job().payload)
            .map_err(|error| dead("payload", &format!("the payload is no download: {error}")))?;
        let sink = match &spec.sink {
            None => &self.sink,
            Some(name) => self
                .sinks
                .get(name)
                .ok_or_else(|| dead("payload", &format!("there is no sink {name:?}")))?,
        };
        if let Some(failure) = self.guard.closed() {
            // The job was claimed just before the gate closed.
            return Err(Outcome::Interrupted(failure));
        }
        let mut session = Session {
            run,
            spec: &spec,
            options: &self.options,
            transport: &*self.transport,
            guard: &self.guard,
            partial: None,
        };
        let (partials, id, lease) = (self.partials.clone(), run.job().id.clone(), run.lease().clone());
        let fingerprint = spec.fingerprint();
        let opened = tokio::task::spawn_blocking(move || partials.open(&id, &lease, &fingerprint)).await;
        let opened = opened.map_err(|_panic| retry("panic", "no file could be opened; the log has more"))?;
        session.partial = Some(opened.map_err(|error| session.of_io(&error))?);
        let downloaded = fetch(&mut session, &**sink).await;
        session.settle(downloaded.as_ref().err()).await;
        downloaded
    }
}

async fn fetch(session: &mut Session<'_>, sink: &dyn Sink) -> Result<DownloadResult, Outcome> {
    match ask(session).await? {
        Answer::Unchanged(said) => {
            session.distrust();
            Ok(DownloadResult {
                status: said.status,
                etag: said.etag,
                last_modified: said.last_modified,
                unchanged: true,
                ..DownloadResult::default()
            })
        }
        Answer::Content(mut content) => {
            let said = std::mem::take(&mut content.said);
            let is_resumed = content.is_resumed;
            copy(session, content).await?;
            finish(session, sink, said, is_resumed).await
        }
    }
}

#[async_trait]
impl Handler for Downloads {
    async fn run(&self, run: &Run) -> Outcome {
        let result = match self.download(run).await {
            Ok(result) => result,
            Err(outcome) => return outcome,
        };
        serde_json::to_value(result).map_or_else(
            |error| Outcome::Dead(Failure::new("result", &error.to_string())),
            Outcome::Ok,
        )
    }
}

#[cfg(test)]
mod tests;
