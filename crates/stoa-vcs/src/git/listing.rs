//! The refs of the repository: callers at the same time share one request.

use std::sync::Arc;
use std::time::Instant;

use super::GitRepository;
use super::program::{Remote, failed};
use super::refs::Refs;
use super::state::KnownRefs;
use super::url::Transport;
use crate::{Step, VcsError};

impl GitRepository {
    /// The refs as the server says they are, at most as old as the options allow. A caller that waits for the
    /// request of another takes its answer, also a failure; later callers ask again after a failure.
    pub(super) async fn refs(&self) -> Result<Arc<Refs>, VcsError> {
        let asked = Instant::now();
        if let Some(known) = self.known(asked) {
            return known;
        }
        let _permit = self.state.permit(&self.state.refs_permit, Step::Access).await?;
        if let Some(known) = self.known(asked) {
            return known;
        }
        let refs = self.ask_for_refs().await.map(Arc::new);
        let at = Instant::now();
        *self.state.refs.lock() = Some(KnownRefs {
            at,
            refs: refs.clone(),
        });
        refs
    }

    /// Forgets the refs, which turned out to have changed.
    pub(super) fn forget_refs(&self) {
        *self.state.refs.lock() = None;
    }

    fn known(&self, asked: Instant) -> Option<Result<Arc<Refs>, VcsError>> {
        let known = self.state.refs.lock();
        let known = known.as_ref()?;
        let fresh = known.refs.is_ok() && known.at.elapsed() < self.program.options.freshness;
        (fresh || known.at >= asked).then(|| known.refs.clone())
    }

    async fn ask_for_refs(&self) -> Result<Refs, VcsError> {
        let url = self.program.url.as_str();
        match self.wire_refs().await {
            Ok(Some(refs)) => return Ok(refs),
            Ok(None) => {}
            Err(VcsError::Failed { said, .. }) => return Err(self.no_refs(said).await),
            Err(error) => return Err(error),
        }
        let run = Remote {
            kind: "ls-remote",
            step: Step::Access,
            args: ["ls-remote", "-q", "--end-of-options", url]
                .map(str::to_owned)
                .to_vec(),
            stdin: Vec::new(),
            dir: None,
            partial: false,
            time: self.program.options.refs_time,
        };
        let output = self.program.remote(run).await?;
        if output.code == Some(0) {
            return Ok(Refs::parse(&output.stdout));
        }
        Err(self.no_refs(output.said).await)
    }

    /// The error when git could not get the refs and printed this.
    async fn no_refs(&self, said: String) -> VcsError {
        let url = self.program.url.as_str();
        // As in cmd/go, a repository does not exist only if an HTTP server says so without credentials.
        let http = matches!(self.program.url.transport(), Transport::Https | Transport::Http);
        // The probe has no credential, and servers hide private repositories from such clients: after a refused
        // credential its answer proves nothing.
        let believed = said.contains("not found") || self.program.credential().await.is_none();
        if http
            && believed
            && let Some(probe) = &self.program.options.probe
            && probe.is_gone(url).await
        {
            return VcsError::NoRepository {
                url: url.to_owned(),
                said,
            };
        }
        failed(Step::Access, said)
    }
}
