//! What `@latest` is.

use stoa_module::{Version, semver};

use super::{CodeRepo, convert::Conversion, error::CodeRepoError, info::Info};

impl CodeRepo {
    /// The version that the query `latest` means to the go command: the highest release, else the highest prerelease,
    /// of those that are not retracted, else the newest commit of the default branch. Whether the version of that is
    /// retracted is for the client to find out: there is nothing else.
    ///
    /// `+incompatible` versions count only if the highest version without is retracted or of a commit without a go.mod
    /// (golang.org/issue/34165).
    pub async fn latest(&self) -> Result<Info, CodeRepoError> {
        let versions = self.versions().await?;
        let retracted = self.retractions().await;
        let allowed = |version: &&Version| !retracted.iter().any(|retract| retract.contains(version));
        let compatible = |version: &&Version| !version.is_incompatible();
        let list: Vec<_> = versions.list.iter().filter(allowed).collect();
        let last = list.iter().copied().rfind(compatible);
        let only_compatible = match last {
            Some(last) if list.iter().any(|version| version.is_incompatible()) => {
                self.module_dir(last).await?.1.go_mod.is_some()
            }
            _ => false,
        };
        let candidates = || list.iter().copied().filter(|v| !only_compatible || compatible(v));
        let release = candidates().rfind(|version| semver::prerelease(version.as_str()).is_empty());
        let Some(version) = release.or_else(|| candidates().next_back()) else {
            return self.newest_commit().await;
        };
        let mut info = self.stat(version.as_str()).await?;
        if let Some(origin) = &versions.origin {
            // The tags decided.
            info.origin.tag_prefix.clone_from(&origin.tag_prefix);
            info.origin.tag_sum.clone_from(&origin.tag_sum);
            info.origin.repo_sum.clone_from(&origin.repo_sum);
        }
        Ok(info)
    }

    /// The version of the newest commit of the default branch (`Latest` of cmd/go), which is what the go command asks
    /// for when a module has no versions.
    pub async fn newest_commit(&self) -> Result<Info, CodeRepoError> {
        if let Some(known) = self.known_infos.get("latest") {
            return Ok(known);
        }
        let head = self.source.head().await;
        let head = head.map_err(|error| CodeRepoError::of_module(self.module().clone(), error))?;
        let info = Conversion::new(self, &head, "").info().await?;
        self.known_infos.put("latest".to_owned(), info.clone());
        Ok(info)
    }
}
