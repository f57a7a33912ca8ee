//! Taking one file of a version out of service.

use stoa_module::dirhash::H1;

use super::both::Both;
use super::saved::Saved;
use crate::blob::Blob;
use crate::error::StorageError;
use crate::key::{FileKey, FileKind};
use crate::stage::Stage;

/// How much of a file is copied at a time, in bytes.
const PIECE: usize = 256 << 10;

/// What becomes of the bytes of a file that is taken out of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// They are kept aside.
    Kept,
    /// They are gone.
    Gone,
}

/// Takes the file out of service, here and there. The protocol deletes versions, so the other files of this one come back
/// first; its bytes are kept aside where the local storage keeps what was rejected.
pub(super) async fn take_out(both: &Both, key: &FileKey, fate: Fate) -> Result<bool, StorageError> {
    let _turn = both.turns.take(&key.target).await;
    let was_here = match fate {
        Fate::Kept => both.local.quarantine(key).await?,
        Fate::Gone => both.local.remove(key).await?,
    };
    if !both.remote.has(key).await? {
        return Ok(was_here);
    }
    for kind in FileKind::ALL.into_iter().filter(|kind| *kind != key.kind) {
        let other = FileKey::new(key.target.clone(), kind);
        if both.local.open(&other).await?.is_some() {
            continue;
        }
        if let Some(file) = both.open_remote(&other).await? {
            let h1 = both.h1(&key.target).await?;
            let stage = copy(both, &other, &file).await?;
            stage
                .commit(h1.as_ref().filter(|_: &&H1| kind == FileKind::Zip))
                .await?;
        }
    }
    // A file that cannot be read any more is no reason to keep it in service.
    if fate == Fate::Kept
        && let Ok(Some(file)) = both.open_remote(key).await
        && let Ok(stage) = copy(both, key, &file).await
    {
        stage.reject().await?;
    }
    both.remote.delete(&key.target).await?;
    Saved::forget(&both.records(), &key.target).await?;
    Ok(true)
}

async fn copy(both: &Both, key: &FileKey, file: &Blob) -> Result<Box<dyn Stage>, StorageError> {
    let mut stage = both.local.stage(key).await?;
    let mut at = 0;
    while at < file.len() {
        let piece = file.read_at(at, PIECE).await?;
        at += piece.len() as u64;
        stage.write(piece).await?;
    }
    Ok(stage)
}
