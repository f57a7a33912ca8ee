//! From a version to its zip.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use stoa_module::{CheckError, ModuleVersion, Version};
use stoa_vcs::{RevisionId, VcsError};

use crate::{CodeRepo, CodeRepoError, CodeRepoReason, ModuleZip, contents::Reuse, pack::Packer};

impl CodeRepo {
    /// Makes the zip of a version (`Zip` of cmd/go): the files of its folder without those of other modules, without
    /// vendored packages and links, and with the LICENSE of the repository's root if it has none. Temporary files go
    /// into `dir`.
    ///
    /// # Errors
    ///
    /// [`CodeMeaning::Invalid`](crate::CodeMeaning::Invalid) if the files make no zip, because of a name for instance:
    /// one is enough, and asking again ends the same way.
    pub async fn zip(&self, version: &Version, dir: &Path) -> Result<ModuleZip, CodeRepoError> {
        let about = |reason| CodeRepoError::of_content(self.module().clone(), version.as_str(), reason);
        let target = ModuleVersion::new(self.module().clone(), version.clone());
        let target = target.map_err(|error| match error {
            CheckError::Version { reason, .. } => self.at_query(version.as_str(), reason),
            error @ CheckError::Path(_) => about(CodeRepoReason::Internal(error.to_string())),
        })?;
        self.validate(version).await?;
        let (revision, found) = self.module_dir(version).await?;
        let code = &self.source.code;
        let license = self.license(&revision.id, &found.path).await;
        let reuse = Arc::new(Reuse::new(Arc::clone(&self.contents), self.repository_key));
        let archive = code.archive_unless_known(&revision.id, &found.path, self.limits.tree, &*reuse);
        let archive = archive.await;
        let mut archive = archive.map_err(|error| about(error.into()))?;
        let stop = Stop::default();
        let packer = Packer {
            target,
            license,
            reuse,
            limits: self.limits.clone(),
            dir: dir.to_owned(),
            stop: Arc::clone(&stop.0),
        };
        let span = tracing::Span::current();
        let packing = tokio::task::spawn_blocking(move || span.in_scope(|| packer.pack(&mut *archive)));
        let packed = packing.await;
        drop(stop);
        let packed = packed.map_err(|error| about(CodeRepoReason::Internal(error.to_string())))?;
        packed.and_then(ModuleZip::check_size).map_err(about)
    }

    /// The LICENSE of the root for a module below it. It may not be needed, so that a failure is one only if it is.
    async fn license(&self, at: &RevisionId, dir: &str) -> Option<Result<Bytes, VcsError>> {
        if dir.is_empty() {
            return None;
        }
        let license = self.source.file(at, "LICENSE", self.limits.license).await;
        license.transpose()
    }
}

/// Stops the work on a zip when its caller has left.
#[derive(Default)]
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
