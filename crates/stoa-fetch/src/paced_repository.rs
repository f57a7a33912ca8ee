//! A repository whose host may ask for a pause.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use stoa_dispatch::LaneKey;
use stoa_vcs::{Archive, KnownContents, Repository, Revision, RevisionId, Step, Tags, VcsError, VcsKind};
use tokio::time::{Instant, sleep};

use crate::{
    Caller, Context, HttpClient,
    outbound::{Address, PageRequest},
};

/// The pause of a host that says that it was asked too often, and not when it will answer again.
const PAUSE: Duration = Duration::from_secs(10);
/// How long the question may take that hears of a pause.
const HEARING: Duration = Duration::from_secs(20);
/// What is read of the answer that tells the pause, in bytes.
const READ: usize = 4096;

/// Asks nothing while the lane of the host is throttled, and throttles it when the host asks for a pause.
///
/// Programs have connections of their own, and those with TLS hide everything but the words of the program. So where these
/// tell of a 429 or a 503, the host is asked once through its lane, which hears the `Retry-After` then. Neither programs nor
/// requests are sent until it is over: a question waits for that as long as one in the lane would (`dispatch.wait`), and is
/// asked once more.
pub(crate) struct PacedRepository {
    inner: Arc<dyn Repository>,
    client: HttpClient,
    address: Address,
    lane: LaneKey,
}

impl PacedRepository {
    /// The repository, if it is asked for over HTTP.
    pub(crate) fn of(
        inner: Arc<dyn Repository>,
        client: &HttpClient,
        address: &Address,
    ) -> Arc<dyn Repository> {
        let is_http = matches!(address.asked.scheme(), "http" | "https");
        let uri = is_http.then(|| address.asked.as_str().parse().ok()).flatten();
        let Some(lane) = uri.and_then(|uri| LaneKey::of_uri(&uri).ok()) else {
            return inner;
        };
        Arc::new(Self {
            inner,
            client: client.clone(),
            address: address.clone(),
            lane,
        })
    }

    /// Asks a question when the host may be asked.
    async fn paced<T, F>(&self, ask: impl Fn() -> F + Sync) -> Result<T, VcsError>
    where
        F: Future<Output = Result<T, VcsError>> + Send,
    {
        self.wait().await?;
        let error = match ask().await {
            Err(error) if error.is_limited() => error,
            answer => return answer,
        };
        self.hear(&error).await;
        if self.throttled().is_some() {
            self.wait().await.map_err(|_too_long| self.limited(error))?;
        }
        match ask().await {
            Err(again) if again.is_limited() => {
                if is_too_often(&again) && self.throttled().is_none() {
                    self.client.pool().throttle(&self.lane, PAUSE);
                }
                Err(self.limited(again))
            }
            answer => answer,
        }
    }

    /// How long the host wants to be left alone.
    fn throttled(&self) -> Option<Duration> {
        self.client.pool().lane(&self.lane)?.throttled
    }

    /// Waits for the end of a pause, if it comes in time.
    async fn wait(&self) -> Result<(), VcsError> {
        let began = Instant::now();
        while let Some(status) = self.client.pool().lane(&self.lane) {
            let Some(pause) = status.throttled else { break };
            if began.elapsed() + pause > status.settings.wait {
                let said = format!("{} has asked for it before", self.lane);
                return Err(self.paused(Step::Access, pause, said));
            }
            sleep(pause).await;
        }
        Ok(())
    }

    /// Asks by HTTP, once, so that the lane hears what the host wants. One that has had too many questions and does not say
    /// when it will answer again is left alone for a while.
    async fn hear(&self, error: &VcsError) {
        let mut asked = self.address.asked.clone();
        if self.inner.vcs() == VcsKind::Git {
            asked.set_path(&format!("{}/info/refs", asked.path().trim_end_matches('/')));
            asked.set_query(Some("service=git-upload-pack"));
        }
        // The port has no context. A caller waits for the answer, so the request is interactive.
        let mut context = Context::interactive(Caller::Stoa);
        context.deadline = Some(Instant::now() + HEARING);
        let request = PageRequest {
            named: &self.address.named,
            asked: &asked,
            trust: self.address.trust,
            guards: &self.client.rules().guards,
            context: &context,
            is_probe: true,
        };
        let answer = self.client.page(request, READ).await;
        let status = answer.as_ref().map(|(page, _)| page.status).ok();
        if status == Some(429) && is_too_often(error) && self.throttled().is_none() {
            self.client.pool().throttle(&self.lane, PAUSE);
        }
        let throttled = self.throttled();
        tracing::debug!(lane = %self.lane, status, ?throttled, "asked whether a host wants a pause");
    }

    /// The failure of a host that has had too many questions. One that is out of order, with no word of when that will end,
    /// has just failed.
    fn limited(&self, error: VcsError) -> VcsError {
        match (self.throttled(), error) {
            (Some(pause), VcsError::Failed { step, said, .. }) => self.paused(step, pause, said),
            (_, error) => error,
        }
    }

    fn paused(&self, step: Step, after: Duration, said: String) -> VcsError {
        VcsError::Paused {
            vcs: self.inner.vcs(),
            step,
            after,
            said,
        }
    }
}

/// Whether a server said that it has had too many questions.
fn is_too_often(error: &VcsError) -> bool {
    matches!(error, VcsError::Failed { said, .. } if said.contains("429"))
}

impl fmt::Debug for PacedRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacedRepository")
            .field("inner", &self.inner)
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Repository for PacedRepository {
    fn vcs(&self) -> VcsKind {
        self.inner.vcs()
    }

    fn url(&self) -> &str {
        self.inner.url()
    }

    async fn tags(&self, prefix: &str) -> Result<Tags, VcsError> {
        self.paced(|| self.inner.tags(prefix)).await
    }

    async fn stat(&self, revision: &str) -> Result<Revision, VcsError> {
        self.paced(|| self.inner.stat(revision)).await
    }

    async fn latest(&self) -> Result<Revision, VcsError> {
        self.paced(|| self.inner.latest()).await
    }

    async fn read_file(&self, at: &RevisionId, path: &str, limit: u64) -> Result<Option<Bytes>, VcsError> {
        self.paced(|| self.inner.read_file(at, path, limit)).await
    }

    async fn archive(&self, at: &RevisionId, subdir: &str, limit: u64) -> Result<Box<dyn Archive>, VcsError> {
        self.paced(|| self.inner.archive(at, subdir, limit)).await
    }

    async fn archive_unless_known(
        &self,
        at: &RevisionId,
        subdir: &str,
        limit: u64,
        known: &dyn KnownContents,
    ) -> Result<Box<dyn Archive>, VcsError> {
        let ask = || self.inner.archive_unless_known(at, subdir, limit, known);
        self.paced(ask).await
    }

    async fn recent_tag(
        &self,
        at: &RevisionId,
        prefix: &str,
        allowed: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Option<String>, VcsError> {
        self.paced(|| self.inner.recent_tag(at, prefix, allowed)).await
    }

    async fn descends_from(&self, at: &RevisionId, tag: &str) -> Result<bool, VcsError> {
        self.paced(|| self.inner.descends_from(at, tag)).await
    }
}
