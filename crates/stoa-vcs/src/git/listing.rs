//! The refs of the repository, asked for once by all who want them at a time.

use std::sync::Arc;
use std::time::Instant;

use super::GitRepository;
use super::program::{Remote, failed};
use super::refs::Refs;
use super::state::KnownRefs;
use super::url::Transport;
use crate::{Step, VcsError};

impl GitRepository {
    /// The refs as the server says they are, at most as old as the options allow. Who waits for somebody else's question
    /// takes its answer, whatever it is; a failure is not remembered beyond that.
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

    /// What it means that git could not get the refs, and said so.
    async fn no_refs(&self, said: String) -> VcsError {
        let url = self.program.url.as_str();
        // As cmd/go does: only an HTTP server that says so to anybody makes a repository not exist.
        let http = matches!(self.program.url.transport(), Transport::Https | Transport::Http);
        // The probe is a stranger to the server, and strangers are told that there is nothing: when a credential was
        // refused, that is no answer.
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
