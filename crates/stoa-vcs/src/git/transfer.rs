//! What is fetched for which question.

use super::fetch::{Fetch, FetchTarget};
use super::objects::Answer;
use super::program::failed;
use super::receive::FetchOutcome;
use super::refs::Refs;
use super::resolve::LARGEST;
use super::wire::WireRequest;
use super::{GitRepository, local};
use crate::cache::Lease;
use crate::process::Output;
use crate::{Step, VcsError};

/// All that a revision may come from, as it is called here: below `refs/stoa`, where git does not look when it resolves
/// a name. The last one only where there is a `HEAD`.
const EVERYTHING: [&str; 3] = [
    "+refs/heads/*:refs/stoa/heads/*",
    "+refs/tags/*:refs/stoa/tags/*",
    "+HEAD:refs/stoa/HEAD",
];

fn everything(refs: &Refs) -> FetchTarget<'static> {
    let count = if refs.get("HEAD").is_some() { 3 } else { 2 };
    FetchTarget::Specs(&EVERYTHING[..count])
}

impl GitRepository {
    /// Fetches the commit `hash` that the ref `name` names: alone, or with what is missing of its history if the history
    /// is there.
    pub(super) async fn fetch_ref(
        &self,
        lease: &Lease,
        name: &str,
        hash: &str,
        refs: &Refs,
    ) -> Result<(), VcsError> {
        let permit = self.begin(lease).await?;
        if self.lookup(lease, hash, Step::Revision).await?.is_some() {
            return self.finish(lease);
        }
        let dir = lease.path();
        if !local::is_plain(dir)
            && !local::is_treeless(dir)
            && let Some(wanted) = refs.unpeeled(name)
            && self
                .fetch_wire(lease, "fetch", WireRequest::Commit(wanted))
                .await?
                == FetchOutcome::Done
        {
            local::set_fetched(dir, hash, wanted)
                .map_err(|error| failed(Step::Revision, error.to_string()))?;
            return self.finish(lease);
        }
        if !local::is_plain(dir) {
            let spec = format!("+{name}:refs/stoa/one/{hash}");
            let fetch = Fetch {
                kind: "fetch",
                how: if local::is_treeless(dir) {
                    &["--filter=tree:0"]
                } else {
                    &["--depth=1", "--filter=blob:none"]
                },
                what: FetchTarget::Specs(&[&spec]),
                partial: true,
            };
            if self.fetch(lease, fetch).await?.code == Some(0) {
                return self.finish(lease);
            }
        }
        // The reasons are many and have no common text: fetch everything as the last resort, as cmd/go does.
        drop(permit);
        self.fetch_history(lease, refs, Step::Revision).await
    }

    /// Fetches all commits of all refs, their trees left out, unless they are there.
    pub(super) async fn fetch_history(&self, lease: &Lease, refs: &Refs, step: Step) -> Result<(), VcsError> {
        let _permit = self.begin(lease).await?;
        let (dir, sum) = (lease.path(), refs.sum());
        if local::history(dir).as_ref() == Some(&sum) {
            return self.finish(lease);
        }
        let io = |error: std::io::Error| failed(step, error.to_string());
        let mut done = false;
        if !local::is_plain(dir) {
            // Set the mark before the fetch: trees may be missing from now on, even if the fetch is cut short.
            local::set_treeless(dir).map_err(io)?;
            done = self.fetch_commits(lease, refs, step).await?;
        }
        if !done {
            // An old server, or a folder of files behind HTTP.
            self.fetch_whole(lease, refs, step).await?;
        }
        local::set_history(dir, &sum).map_err(io)?;
        self.finish(lease)
    }

    /// Fetches the commits of all refs; `false` if the server cannot, which is an error where it could before.
    async fn fetch_commits(&self, lease: &Lease, refs: &Refs, step: Step) -> Result<bool, VcsError> {
        let dir = lease.path();
        let first = self.fetch_commits_once(lease, refs).await?;
        if first.code == Some(0) || local::is_empty(dir) {
            return Ok(first.code == Some(0));
        }
        // A tag may name a file. The server leaves that out if a commit that is here has it, though it was left out
        // then, too, and git misses it. So what tags name comes first, and alone.
        let named = refs.tags().map(|(_, hash)| hash.to_owned()).collect();
        let missing = self.missing(lease, named).await?;
        let fetch = Fetch {
            kind: "fetch-objects",
            how: &["--depth=1", "--filter=tree:0", "--stdin"],
            what: FetchTarget::Objects(&missing),
            partial: true,
        };
        if missing.is_empty() || self.fetch(lease, fetch).await?.code != Some(0) {
            return Err(failed(step, first.said));
        }
        let second = self.fetch_commits_once(lease, refs).await?;
        if second.code == Some(0) {
            return Ok(true);
        }
        Err(failed(step, second.said))
    }

    async fn fetch_commits_once(&self, lease: &Lease, refs: &Refs) -> Result<Output, VcsError> {
        let how = ["--prune", "--filter=tree:0", "--unshallow"];
        let count = if local::is_shallow(lease.path()) { 3 } else { 2 };
        let fetch = Fetch {
            kind: "fetch-history",
            how: &how[..count],
            what: everything(refs),
            partial: true,
        };
        self.fetch(lease, fetch).await
    }

    /// Fetches everything, and remembers that this is all the server can do.
    async fn fetch_whole(&self, lease: &Lease, refs: &Refs, step: Step) -> Result<(), VcsError> {
        let fetch = Fetch {
            kind: "fetch-history",
            how: &["--prune"],
            what: everything(refs),
            partial: false,
        };
        let output = self.fetch(lease, fetch).await?;
        if output.code != Some(0) {
            return Err(failed(step, output.said));
        }
        local::set_plain(lease.path()).map_err(|error| failed(step, error.to_string()))
    }

    /// Fetches trees, each with all trees below, and files, by their hashes.
    pub(super) async fn fetch_objects(
        &self,
        lease: &Lease,
        ids: &[String],
        step: Step,
    ) -> Result<(), VcsError> {
        let _permit = self.begin(lease).await?;
        // Another caller may have fetched them meanwhile.
        let missing = match ids {
            [id] => match self.object(lease, id, LARGEST, step).await {
                Ok(Answer::Missing) => vec![id.clone()],
                Ok(_) | Err(VcsError::TooLarge { .. }) => Vec::new(),
                Err(error) => return Err(error),
            },
            _ => self.missing(lease, ids.iter().cloned().collect()).await?,
        };
        if missing.is_empty() {
            return self.finish(lease);
        }
        let wanted = WireRequest::Objects(&missing);
        if self.fetch_wire(lease, "fetch-objects", wanted).await? == FetchOutcome::Done {
            return self.finish(lease);
        }
        let fetch = Fetch {
            kind: "fetch-objects",
            how: &["--filter=blob:none", "--stdin"],
            what: FetchTarget::Objects(&missing),
            partial: true,
        };
        if self.fetch(lease, fetch).await?.code == Some(0) {
            return self.finish(lease);
        }
        // A server that leaves things out, but does not give them one by one. It would leave out what it takes to be
        // here, so nothing may look as if it were.
        let refs = self.refs().await?;
        local::forget(lease.path()).map_err(|error| failed(step, error.to_string()))?;
        self.fetch_whole(lease, &refs, step).await?;
        self.finish(lease)
    }
}
