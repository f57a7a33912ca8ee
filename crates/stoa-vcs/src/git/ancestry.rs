//! Which commit descends from which.

use std::cmp::Reverse;
use std::sync::Arc;

use super::GitRepository;
use super::program::failed;
use crate::cache::Lease;
use crate::{RevisionId, Step, VcsError};

/// How many tags are judged before others have a turn.
const PIECE: usize = 1024;

impl GitRepository {
    /// The highest allowed tag on `at` or an ancestor of it. Only refs decide if there is nothing to choose from, or the
    /// highest of all is on `at` itself.
    pub(super) async fn highest_tag(
        &self,
        at: &RevisionId,
        prefix: &str,
        allowed: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Option<String>, VcsError> {
        let refs = self.refs().await?;
        let (things, all, beginning) = (refs.len(), Arc::clone(&refs), prefix.to_owned());
        let offload = self.program.options.refs.offload();
        let tags = offload.run(things, move || all.versions(&beginning)).await;
        // The rule is the caller's and stays with it, so a long list is gone through in pieces.
        let mut allowed_tags = Vec::new();
        for (index, (tag, hash)) in tags.into_iter().enumerate() {
            if allowed(&tag) {
                allowed_tags.push((tag, hash));
            }
            if index % PIECE == PIECE - 1 {
                tokio::task::yield_now().await;
            }
        }
        match allowed_tags.first() {
            None => return Ok(None),
            Some((tag, hash)) if *hash == at.as_str() => return Ok(Some(tag.clone())),
            Some(_) => {}
        }
        let (lease, _) = self.commit(at, Step::Revision).await?;
        self.fetch_history(&lease, &refs, Step::Revision).await?;
        let merged = self.merged(&lease, at).await?;
        let found = allowed_tags
            .into_iter()
            .find(|(_, hash)| merged.binary_search(hash).is_ok());
        Ok(found.map(|(tag, _)| tag))
    }

    /// What the tags of the local copy name that `at` descends from, sorted.
    async fn merged(&self, lease: &Lease, at: &RevisionId) -> Result<Vec<String>, VcsError> {
        let call = self.program.local("for-each-ref", Step::Revision, lease.path());
        let merged = format!("--merged={at}");
        // The second is empty but for annotated tags, of which it is the commit.
        let format = "--format=%(objectname) %(*objectname)";
        let printed = call
            .args(["for-each-ref", format, &merged, "refs/stoa/tags/"])
            .text()
            .await?;
        let text = String::from_utf8_lossy(&printed);
        let mut hashes: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        hashes.sort_unstable_by_key(|hash| Reverse(hash.clone()));
        hashes.reverse();
        Ok(hashes)
    }

    /// Whether `at` descends from what `tag` names, or is it. No is only said with the whole history at hand.
    pub(super) async fn is_descendant(&self, at: &RevisionId, tag: &str) -> Result<bool, VcsError> {
        let refs = self.refs().await?;
        let Some(hash) = refs.get(&format!("refs/tags/{tag}")) else {
            return Ok(false);
        };
        if hash == at.as_str() {
            return Ok(true);
        }
        let (lease, _) = self.commit(at, Step::Revision).await?;
        let here = self.lookup(&lease, hash, Step::Revision).await?.is_some();
        if here && self.is_ancestor(&lease, hash, at).await? {
            return Ok(true);
        }
        self.fetch_history(&lease, &refs, Step::Revision).await?;
        // A tag may name a file.
        let here = self.lookup(&lease, hash, Step::Revision).await?.is_some();
        Ok(here && self.is_ancestor(&lease, hash, at).await?)
    }

    async fn is_ancestor(&self, lease: &Lease, hash: &str, at: &RevisionId) -> Result<bool, VcsError> {
        let call = self.program.local("merge-base", Step::Revision, lease.path());
        let output = call
            .args(["merge-base", "--is-ancestor", "--", hash, at.as_str()])
            .run()
            .await?;
        match output.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(failed(Step::Revision, output.said)),
        }
    }
}
