//! What `@latest` is.

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
        let mut candidates = Candidates::new(&versions.list).without(&retracted);
        if let Some(decisive) = candidates.decisive()
            && self.module_dir(decisive).await?.1.go_mod.is_some()
        {
            candidates = candidates.compatible();
        }
        let Some(version) = candidates.highest() else {
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
