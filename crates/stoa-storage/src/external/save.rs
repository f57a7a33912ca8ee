//! Saving one version.

use std::time::SystemTime;

use stoa_module::ModuleVersion;

use super::both::Both;
use super::saved::Saved;
use super::upload::Upload;
use crate::error::StorageError;
use crate::key::{FileKey, FileKind};

/// What became of a version that was to be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The remote has it now, and the local storage no longer.
    Saved,
    /// The remote had it already: the first content wins, and what was here is gone.
    Existed,
    /// Not all of its files are here, or it is not offered any more.
    Incomplete,
}

/// Saves the version if all of its files wait here, and removes them once that is confirmed. The caller has its turn.
pub(super) async fn save(both: &Both, target: &ModuleVersion) -> Result<Outcome, StorageError> {
    let Some(files) = both.complete(target).await? else {
        return remove_rest(both, target).await;
    };
    if there(both, target).await? {
        both.remove(target).await?;
        return Ok(Outcome::Existed);
    }
    let saved = Saved {
        h1: both.local.h1(target).await?,
        lens: [files[0].len(), files[1].len(), files[2].len()],
        at: SystemTime::now(),
    };
    // Before the files go: without a hash at any moment, a zip would have lost it.
    saved.write(&both.records(), target).await?;
    both.remote.save(target, Upload::new(files)).await?;
    both.remove(target).await?;
    Ok(Outcome::Saved)
}

/// A zip that is here without the other files of its version waits for them, or is what a crash left of a version whose
/// files were being removed.
async fn remove_rest(both: &Both, target: &ModuleVersion) -> Result<Outcome, StorageError> {
    let zip = FileKey::new(target.clone(), FileKind::Zip);
    if both.local.open(&zip).await?.is_none() || !there(both, target).await? {
        return Ok(Outcome::Incomplete);
    }
    both.remove(target).await?;
    Ok(Outcome::Existed)
}

/// Whether the remote has all three files: servers whose saves are not atomic may have some.
async fn there(both: &Both, target: &ModuleVersion) -> Result<bool, StorageError> {
    for kind in FileKind::ALL {
        if !both.remote.has(&FileKey::new(target.clone(), kind)).await? {
            return Ok(false);
        }
    }
    Ok(true)
}
