//! The refs of the repository: callers at the same time share one request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::GitRepository;
use super::program::{Remote, failed};
use super::refs::{Refs, TooManyRefs};
use super::state::KnownRefs;
use super::url::Transport;
use crate::{Step, VcsError};

/// How many bytes of refs a server may send.
pub(super) const LONGEST: usize = 32 << 20;
/// How long an answer is kept at least, for those that waited for it.
const SHARED: Duration = Duration::from_secs(1);
/// A hash, a tab and a name.
const SHORTEST_LINE: usize = 46;

impl GitRepository {
    /// The refs as the server says they are, at most as old as the options allow. A caller that waits for the
    /// request of another takes its answer, also a failure; later callers ask again after a failure.
    pub(super) async fn refs(&self) -> Result<Arc<Refs>, VcsError> {
        self.refs_of(Instant::now(), self.program.options.freshness).await
    }

    /// The refs as they are after `asked`, if what is known is older: something is not among these. `None` if it is not older.
    pub(super) async fn newer_refs(&self, asked: Instant) -> Result<Option<Arc<Refs>>, VcsError> {
        let is_older = self
            .state
            .refs
            .lock()
            .as_ref()
            .is_none_or(|known| known.at < asked);
        if !is_older {
            return Ok(None);
        }
        self.refs_of(asked, Duration::ZERO).await.map(Some)
    }

    /// The refs as they were when the caller asked, or before that by less than `freshness`.
    async fn refs_of(&self, asked: Instant, freshness: Duration) -> Result<Arc<Refs>, VcsError> {
        if let Some(known) = self.known(asked, freshness) {
            return known;
        }
        let _permit = self.state.permit(&self.state.refs_permit, Step::Access).await?;
        if let Some(known) = self.known(asked, freshness) {
            return known;
        }
        let refs = self.ask_for_refs().await.map(Arc::new);
        let known = KnownRefs {
            at: Instant::now(),
            refs: refs.as_ref().map(Arc::downgrade).map_err(Clone::clone),
        };
        if let Ok(refs) = &refs {
            self.keep_refs(refs);
        }
        *self.state.refs.lock() = Some(known);
        refs
    }

    /// Keeps refs for as long as they are believed.
    fn keep_refs(&self, refs: &Arc<Refs>) {
        let memory = Arc::clone(&self.program.options.refs);
        // Callers that wait for the answer take it, though it may be believed no longer.
        let time = self.program.options.freshness.max(SHARED);
        memory.keep(&self.key, refs, time);
        self.spawn(async move {
            tokio::time::sleep(time).await;
            memory.sweep();
        });
    }

    /// Forgets the refs, which turned out to have changed.
    pub(super) fn forget_refs(&self) {
        *self.state.refs.lock() = None;
    }

    fn known(&self, asked: Instant, freshness: Duration) -> Option<Result<Arc<Refs>, VcsError>> {
        let known = self.state.refs.lock();
        let known = known.as_ref()?;
        let fresh = known.refs.is_ok()
            && known.at.elapsed() < freshness
            && !self.program.options.renewal.is_since(known.at);
        if !fresh && known.at < asked {
            return None;
        }
        match &known.refs {
            Ok(refs) => refs.upgrade().map(Ok),
            Err(error) => Some(Err(error.clone())),
        }
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
            let (printed, memory) = (output.stdout, &self.program.options.refs);
            let (lines, most) = (printed.len() / SHORTEST_LINE, memory.most());
            let parsed = memory
                .offload()
                .run(lines, move || Refs::parse(&printed, most))
                .await;
            return parsed.map_err(|TooManyRefs| self.too_many_refs());
        }
        Err(self.no_refs(output.said).await)
    }

    /// The error when a repository has more refs than may be.
    pub(super) fn too_many_refs(&self) -> VcsError {
        let most = self.program.options.refs.most();
        failed(
            Step::Access,
            format!("it has more branches and tags than {most} (vcs.max_refs), or {LONGEST} bytes of them"),
        )
    }

    /// The error when git could not get the refs and printed this.
    ///
    /// A repository does not exist only if its own protocol says so: the server answers 404 where its refs would be, or wants
    /// to know who asks; and as cmd/go does, a server with a certificate is also asked as a stranger, and has nothing there.
    /// A server that fails, or cannot be reached, has said nothing of the repository, whatever it answers elsewhere.
    ///
    /// Deviation: without a certificate cmd/go believes no server. One over plain http is named by the configuration, as the
    /// place of a mirror or by `vcs.insecure`, and is believed here.
    async fn no_refs(&self, said: String) -> VcsError {
        let url = self.program.url.as_str();
        let is_gone = match self.program.url.transport() {
            Transport::Http => says_not_found(&said),
            Transport::Https if says_not_found(&said) => self.is_unseen().await,
            // Servers hide private repositories so. After a refused credential such an answer proves nothing.
            Transport::Https if asks_for_user(&said) => {
                self.program.credential().await.is_none() && self.is_unseen().await
            }
            _ => false,
        };
        if is_gone {
            return VcsError::NoRepository {
                url: url.to_owned(),
                said,
            };
        }
        let why = match self.program.credential().await {
            None if asks_for_user(&said) => "it wants a user, and no credential is for it: ",
            Some(_) if says_wrong_password(&said) => "it refuses the user of the credential that is for it: ",
            _ => "",
        };
        failed(Step::Access, format!("{why}{said}"))
    }

    /// Whether strangers are told that there is nothing at the URL.
    async fn is_unseen(&self) -> bool {
        match &self.program.options.probe {
            Some(probe) => probe.is_gone(self.program.url.as_str()).await,
            None => false,
        }
    }
}

/// Whether git was asked for a user, and has none.
fn asks_for_user(said: &str) -> bool {
    said.contains("could not read Username")
}

/// Whether git says that the server took neither user nor password (`remote-curl.c`).
fn says_wrong_password(said: &str) -> bool {
    said.contains("Authentication failed for")
}

/// Whether git says that the server answered 404 where the refs of the repository would be (`remote-curl.c`).
fn says_not_found(said: &str) -> bool {
    said.lines()
        .filter_map(|line| line.split_once("repository '"))
        .any(|(_, rest)| rest.trim_end().ends_with("' not found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_about_the_repository_say_that_it_is_not_there() {
        for said in [
            "fatal: repository 'https://h.example/none.git/' not found",
            "remote: Not Found\nfatal: repository 'http://h/x' not found\n",
        ] {
            assert!(says_not_found(said), "{said}");
        }
        for said in [
            "fatal: unable to access 'https://h/x.git/': The requested URL returned error: 503",
            "fatal: unable to access 'https://h/x.git/': server certificate verification failed. CAfile: not found",
            "fatal: could not read Username for 'https://h': terminal prompts disabled",
            "fatal: repository 'https://h/x.git/' not valid",
        ] {
            assert!(!says_not_found(said), "{said}");
            assert_eq!(asks_for_user(said), said.contains("terminal prompts"), "{said}");
        }
    }
}
