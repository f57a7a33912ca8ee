//! What `@latest` is.

use std::sync::Arc;

use stoa_module::Candidates;

use crate::{CodeRepo, CodeRepoError, Resolved};

impl CodeRepo {
    /// The version that the query `latest` means to the go command: the highest release, else the highest prerelease,
    /// of those that are not retracted, else the newest commit of the default branch. Whether the version of that is
    /// retracted is for the client to find out: there is nothing else.
    ///
    /// `+incompatible` versions count only if the highest version without is retracted or of a commit without a go.mod
    /// (golang.org/issue/34165).
    pub async fn latest(&self) -> Result<Resolved, CodeRepoError> {
        let versions = self.versions().await?;
        let retracted = self.retractions().await;
        let (all, offload) = (Arc::clone(&versions), self.answers.offload());
        let (decisive, any, compatible) = offload
            .run(versions.list.len() + retracted.len(), move || {
                let candidates = Candidates::new(&all.list).without(&retracted);
                let (decisive, any) = (candidates.decisive().cloned(), candidates.highest().cloned());
                (decisive, any, candidates.compatible().highest().cloned())
            })
            .await;
        let highest = match decisive {
            Some(decisive) if self.module_dir(&decisive).await?.1.go_mod.is_some() => compatible,
            _ => any,
        };
        let Some(version) = highest else {
            return self.newest_commit().await;
        };
        let mut resolved = self.stat(version.as_str()).await?;
        if let (Some(told), Some(tags)) = (&mut resolved.info.origin, &versions.origin) {
            // The tags decided.
            told.tag_prefix.clone_from(&tags.tag_prefix);
            told.tag_sum.clone_from(&tags.tag_sum);
            told.repo_sum.clone_from(&tags.repo_sum);
        }
        Ok(resolved)
    }
}
