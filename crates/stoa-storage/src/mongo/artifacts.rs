//! Artifacts in documents, in the form of those of files.

use mongodb::bson::{Document, doc};

use super::failure::malformed;
use super::grid;
use super::kept::{Content, Kept};
use super::shelf::Shelf;
use crate::blob::Blob;
use crate::error::StorageError;
use crate::put::Put;
use crate::record_name::RecordName;
use crate::stage::ReadAt;

/// The documents of artifacts. They are not among those of files, which are listed.
pub(super) const ARTIFACTS: &str = "stoa_artifacts";

pub(super) async fn open(shelf: &Shelf, name: &RecordName) -> Result<Option<Blob>, StorageError> {
    let found = find(shelf, name).await?;
    Ok(found.map(|kept| kept.into_blob(&shelf.database, name)))
}

async fn find(shelf: &Shelf, name: &RecordName) -> Result<Option<Kept>, StorageError> {
    let artifacts = shelf.database.collection(ARTIFACTS);
    let asking = artifacts.find_one(doc! {"_id": name.as_str()});
    let found: Option<Document> = shelf.database.run("look up", name.as_str(), asking).await?;
    let Some(document) = found else {
        return Ok(None);
    };
    let kept = Kept::of_document(document);
    kept.map(Some)
        .ok_or_else(|| malformed(name.as_str(), "its document is not as stoa writes it"))
}

/// Stores the first `len` bytes of `source` if the name is free.
pub(super) async fn store(
    shelf: &Shelf,
    name: &RecordName,
    source: &dyn ReadAt,
    len: u64,
) -> Result<Put, StorageError> {
    if find(shelf, name).await?.is_some() {
        return Ok(Put::Existed);
    }
    let kept = shelf.keep(name.as_str(), source, len, None).await?;
    let artifacts = shelf.database.collection(ARTIFACTS);
    let adding = artifacts.insert_one(kept.to_document_named(name.as_str()));
    let is_ours = match shelf.database.add(name.as_str(), adding).await? {
        Some(_) => true,
        // The driver may have sent it twice, where it did not hear of the first time.
        None => find(shelf, name)
            .await?
            .is_some_and(|other| other.uid == kept.uid),
    };
    if let Content::Grid(file) = &kept.content {
        if is_ours {
            grid::settled(&shelf.database, file).await?;
        } else {
            grid::discard(&shelf.database, file).await?;
        }
    }
    Ok(if is_ours { Put::Stored } else { Put::Existed })
}

/// Removes an artifact. Its bytes, which somebody may be reading, go as those of dead writers do.
pub(super) async fn remove(shelf: &Shelf, name: &RecordName) -> Result<bool, StorageError> {
    let artifacts = shelf.database.collection(ARTIFACTS);
    let deleting = artifacts.delete_one(doc! {"_id": name.as_str()});
    let deleted = shelf.database.run("remove", name.as_str(), deleting).await?;
    Ok(deleted.deleted_count > 0)
}
