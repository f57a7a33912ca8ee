//! Records in documents.

use bytes::Bytes;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::options::ReturnDocument;

use super::database::{Database, binary, number, size};
use super::failure::malformed;
use super::grid::{self, GridFile, GridReader};
use super::held::Held;
use super::shelf::grid_of;
use crate::error::StorageError;
use crate::record_name::RecordName;
use crate::records;
use crate::stage::ReadAt as _;

/// The documents of records.
pub(super) const RECORDS: &str = "stoa_records";
/// Records up to this size are in their documents, which can have 16 MiB with all that is around.
const MAX_INLINE: usize = 1 << 20;
/// How often a record is looked up that is replaced while its pieces are read.
const TRIES: usize = 64;

pub(super) async fn read(database: &Database, name: &RecordName) -> Result<Option<Bytes>, StorageError> {
    let records = database.collection(RECORDS);
    let mut broke = None;
    for _ in 0..TRIES {
        let asking = records.find_one(doc! {"_id": name.as_str()});
        let Some(mut document) = database.run("look up", name.as_str(), asking).await? else {
            return Ok(None);
        };
        if let Some(Bson::Binary(data)) = document.remove("data") {
            return Ok(Some(data.bytes.into()));
        }
        let file = grid_of(&document).ok_or_else(|| malformed(name.as_str(), "it has no content"))?;
        records::check_len(|| name.as_str().into(), file.len)?;
        let len = usize::try_from(file.len).unwrap_or_default();
        let database = database.clone();
        match (GridReader { database, file }).read_at(0, len).await {
            Ok(content) => return Ok(Some(content)),
            // Its pieces are gone once it is replaced.
            Err(error) => broke = Some(error),
        }
    }
    let error = broke.unwrap_or_else(|| std::io::ErrorKind::Other.into());
    Err(StorageError::from_io("read", name.as_str().as_ref(), error))
}

pub(super) async fn write(
    database: &Database,
    name: &RecordName,
    content: Bytes,
) -> Result<(), StorageError> {
    let (document, file) = prepare(database, name, content).await?;
    let records = database.collection(RECORDS);
    for _ in 0..TRIES {
        let replacing = records
            .find_one_and_replace(doc! {"_id": name.as_str()}, &document)
            .upsert(true)
            .return_document(ReturnDocument::Before);
        // Two that both find nothing both add it, of whom one has to look again.
        if let Some(older) = database.add(name.as_str(), replacing).await? {
            return replaced(database, older.as_ref(), file.as_ref()).await;
        }
    }
    Err(malformed(name.as_str(), "it is there and is not"))
}

pub(super) async fn swap(
    database: &Database,
    name: &RecordName,
    old: Option<&[u8]>,
    new: Bytes,
) -> Result<bool, StorageError> {
    let (document, file) = prepare(database, name, new).await?;
    let records = database.collection(RECORDS);
    let swapped = match old {
        None => {
            let adding = records.insert_one(&document);
            database.add(name.as_str(), adding).await?.map(|_| None)
        }
        Some(old) => {
            let same = doc! {"_id": name.as_str(), "sum": sum(old).await, "len": size(old.len() as u64)};
            let replacing = records
                .find_one_and_replace(same, &document)
                .return_document(ReturnDocument::Before);
            database.run("store", name.as_str(), replacing).await?.map(Some)
        }
    };
    match (swapped, file) {
        (Some(older), file) => replaced(database, older.as_ref(), file.as_ref())
            .await
            .map(|()| true),
        (None, Some(file)) => grid::discard(database, &file).await.map(|()| false),
        (None, None) => Ok(false),
    }
}

/// The document of a record, with the pieces of a large one written.
async fn prepare(
    database: &Database,
    name: &RecordName,
    content: Bytes,
) -> Result<(Document, Option<GridFile>), StorageError> {
    let len = content.len() as u64;
    records::check_len(|| name.as_str().into(), len)?;
    let mut document = doc! {
        "_id": name.as_str(), "uid": ObjectId::new(), "len": size(len), "at": DateTime::now(),
    };
    if content.len() <= MAX_INLINE {
        document.insert("sum", sum(&content).await);
        document.insert("data", binary(&content));
        return Ok((document, None));
    }
    let (file, sum) = grid::write(database, name.as_str(), &Held(content), len).await?;
    document.insert("sum", sum);
    document.insert("grid", file.to_document());
    Ok((document, Some(file)))
}

/// Cleans up after a record took the place of another.
async fn replaced(
    database: &Database,
    older: Option<&Document>,
    file: Option<&GridFile>,
) -> Result<(), StorageError> {
    if let Some(file) = file {
        grid::settled(database, file).await?;
    }
    match older
        .filter(|older| number(older, "len").is_some())
        .and_then(grid_of)
    {
        Some(older) => grid::discard(database, &older).await,
        None => Ok(()),
    }
}

async fn sum(bytes: &[u8]) -> String {
    let held = Held(Bytes::copy_from_slice(bytes));
    // Memory does not fail to be read.
    grid::sum_of(&held, bytes.len() as u64).await.unwrap_or_default()
}
