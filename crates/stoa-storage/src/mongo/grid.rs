//! Content in pieces, as GridFS has it.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime, Document, doc};
use sha2::{Digest as _, Sha256};

use super::database::{Database, binary, number, size};
use super::failure::malformed;
use crate::error::StorageError;
use crate::stage::ReadAt;

/// The bucket of what stoa writes. Athens has `fs`, in which two modules may have the same file name.
pub(super) const OWN: &str = "stoa_fs";
/// The size of a piece in bytes, as GridFS has it.
const PIECE: u64 = 255 * 1024;
/// The pieces that are asked for at a time: 4 MiB.
const BATCH: u64 = 16;
/// The most bytes that a piece of another writer may have.
const MAX_PIECE: u64 = 16 << 20;
/// Where content is noted whose document is still to come.
const COMING: &str = "stoa_uploads";
/// Notes in one page of a sweep.
const PAGE: i64 = 256;

/// A content that is kept in pieces.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GridFile {
    pub(super) bucket: String,
    pub(super) id: Bson,
    pub(super) len: u64,
    pub(super) piece: u64,
}

impl GridFile {
    /// As it stands in a document.
    pub(super) fn to_document(&self) -> Document {
        doc! {"bucket": &self.bucket, "id": self.id.clone(), "piece": size(self.piece)}
    }

    pub(super) fn of_document(document: &Document, len: u64) -> Option<Self> {
        let piece = number(document, "piece").filter(|piece| (1..=MAX_PIECE).contains(piece))?;
        Some(Self {
            bucket: document.get_str("bucket").ok()?.to_owned(),
            id: document.get("id")?.clone(),
            len,
            piece,
        })
    }

    /// The document that GridFS keeps of a file in `bucket`.
    pub(super) fn of_listing(bucket: &str, document: &Document) -> Option<Self> {
        let piece = number(document, "chunkSize").filter(|piece| (1..=MAX_PIECE).contains(piece))?;
        Some(Self {
            bucket: bucket.to_owned(),
            id: document.get("_id")?.clone(),
            len: number(document, "length")?,
            piece,
        })
    }
}

/// Makes what the pieces are found by.
pub(super) async fn prepare(database: &Database) -> Result<(), StorageError> {
    database
        .index(&format!("{OWN}.chunks"), doc! {"files_id": 1, "n": 1}, true)
        .await?;
    database
        .index(
            &format!("{OWN}.files"),
            doc! {"filename": 1, "uploadDate": 1},
            false,
        )
        .await
}

/// Writes `len` bytes of `source`, and says what their SHA-256 is. Until [`settled`], the content is noted as coming.
///
/// Where this fails or is given up, what was written stays until a sweep: the database may still be at work on it.
pub(super) async fn write(
    database: &Database,
    name: &str,
    source: &dyn ReadAt,
    len: u64,
) -> Result<(GridFile, String), StorageError> {
    let id = ObjectId::new();
    let note = doc! {"_id": id, "at": DateTime::now(), "name": name};
    database
        .run("store", name, database.collection(COMING).insert_one(note))
        .await?;
    let (chunks, mut sum) = (database.collection(&format!("{OWN}.chunks")), Sha256::new());
    let (mut at, mut n) = (0, 0_i32);
    while at < len {
        let want = usize::try_from(PIECE.min(len - at)).unwrap_or_default();
        let piece = source.read_at(at, want).await;
        let piece = piece.map_err(|error| StorageError::from_io("read", "the spool".as_ref(), error))?;
        if piece.len() < want {
            return Err(malformed("the spool", "it is shorter than what was written"));
        }
        sum.update(&piece);
        let chunk = doc! {"files_id": id, "n": n, "data": binary(&piece)};
        database.run("store", name, chunks.insert_one(chunk)).await?;
        at += piece.len() as u64;
        n += 1;
    }
    let listing = doc! {
        "_id": id, "length": size(len), "chunkSize": size(PIECE), "uploadDate": DateTime::now(), "filename": name,
    };
    let files = database.collection(&format!("{OWN}.files"));
    database.run("store", name, files.insert_one(listing)).await?;
    let file = GridFile {
        bucket: OWN.to_owned(),
        id: id.into(),
        len,
        piece: PIECE,
    };
    Ok((file, hex(&sum.finalize())))
}

/// A document refers to the content now: it is no longer coming.
pub(super) async fn settled(database: &Database, file: &GridFile) -> Result<(), StorageError> {
    let (coming, note) = (database.collection(COMING), doc! {"_id": file.id.clone()});
    database
        .run("settle", COMING, coming.delete_one(note))
        .await
        .map(drop)
}

/// Deletes content that no document refers to. What belongs to Athens is left alone.
pub(super) async fn discard(database: &Database, file: &GridFile) -> Result<(), StorageError> {
    if file.bucket != OWN {
        return Ok(());
    }
    let of_file = doc! {"files_id": file.id.clone()};
    let chunks = database.collection(&format!("{OWN}.chunks"));
    database.run("delete", OWN, chunks.delete_many(of_file)).await?;
    let listing = doc! {"_id": file.id.clone()};
    let files = database.collection(&format!("{OWN}.files"));
    database.run("delete", OWN, files.delete_one(listing)).await?;
    settled(database, file).await
}

/// Deletes content whose writers are gone: it has been coming for longer than `age`, and no document of `referrers` refers
/// to it. Says how much there was.
pub(super) async fn sweep(
    database: &Database,
    age: Duration,
    referrers: &[&str],
) -> Result<usize, StorageError> {
    let before = SystemTime::now()
        .checked_sub(age)
        .unwrap_or(SystemTime::UNIX_EPOCH);
    let (old, mut swept) = (doc! {"at": {"$lt": DateTime::from_system_time(before)}}, 0);
    let coming = database.collection(COMING);
    loop {
        let notes = database.all(COMING, coming.find(old.clone()).limit(PAGE)).await?;
        for note in &notes {
            let id = note.get("_id").cloned().unwrap_or(Bson::Null);
            let file = GridFile {
                bucket: OWN.to_owned(),
                id: id.clone(),
                len: 0,
                piece: PIECE,
            };
            let mut is_used = false;
            for referrer in referrers {
                let (documents, refers) = (database.collection(referrer), doc! {"grid.id": id.clone()});
                let asking = documents.find_one(refers);
                is_used |= database.run("look up", referrer, asking).await?.is_some();
            }
            if is_used {
                settled(database, &file).await?;
            } else {
                discard(database, &file).await?;
                swept += 1;
            }
        }
        if notes.is_empty() {
            return Ok(swept);
        }
    }
}

/// The SHA-256 of a content that is kept.
pub(super) async fn sum(database: &Database, file: &GridFile) -> io::Result<String> {
    let reader = GridReader {
        database: database.clone(),
        file: file.clone(),
    };
    sum_of(&reader, file.len).await
}

/// The SHA-256 of the first `len` bytes.
pub(super) async fn sum_of(source: &dyn ReadAt, len: u64) -> io::Result<String> {
    let (mut sum, mut at) = (Sha256::new(), 0);
    while at < len {
        let piece = source.read_at(at, 1 << 20).await?;
        if piece.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        at += piece.len() as u64;
        sum.update(&piece);
    }
    Ok(hex(&sum.finalize()))
}

/// Digits of a hash.
fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string never fails.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// Reads a content at any offset. Pieces of one id never change, so that its bytes stay the same; they are there as long as
/// a document refers to them, those in quarantine included.
#[derive(Debug)]
pub(super) struct GridReader {
    pub(super) database: Database,
    pub(super) file: GridFile,
}

impl GridReader {
    /// The pieces from `first` to `last`, each as long as it must be.
    async fn pieces(&self, first: u64, last: u64) -> io::Result<Vec<Bytes>> {
        let chunks = self.database.collection(&format!("{}.chunks", self.file.bucket));
        let filter = doc! {"files_id": self.file.id.clone(), "n": {"$gte": size(first), "$lte": size(last)}};
        let asking = chunks
            .find(filter)
            .sort(doc! {"n": 1})
            .limit(size(last - first + 1));
        let found = self
            .database
            .all(chunks.name(), asking)
            .await
            .map_err(io::Error::other)?;
        let mut pieces = Vec::with_capacity(found.len());
        for (n, mut chunk) in (first..=last).zip(found) {
            let Some(Bson::Binary(data)) = chunk.remove("data") else {
                return Err(missing());
            };
            let whole = self.file.piece.min(self.file.len - n * self.file.piece);
            if number(&chunk, "n") != Some(n) || data.bytes.len() as u64 != whole {
                return Err(missing());
            }
            pieces.push(Bytes::from(data.bytes));
        }
        if pieces.len() as u64 <= last - first {
            return Err(missing());
        }
        Ok(pieces)
    }
}

fn missing() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "a piece of it is missing or has another length",
    )
}

#[async_trait::async_trait]
#[deny(clippy::missing_trait_methods)]
impl ReadAt for GridReader {
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let left = self.file.len.saturating_sub(offset);
        let len = usize::try_from(left).map_or(len, |left| len.min(left));
        if len == 0 {
            return Ok(Bytes::new());
        }
        let piece = self.file.piece;
        let (mut n, last) = (offset / piece, (offset + len as u64 - 1) / piece);
        let mut over = usize::try_from(offset % piece).unwrap_or_default();
        let mut read = BytesMut::new();
        while n <= last {
            let batch = (n + BATCH - 1).min(last);
            for mut bytes in self.pieces(n, batch).await? {
                let mut bytes = bytes.split_off(std::mem::take(&mut over));
                bytes.truncate(len - read.len());
                if bytes.len() == len {
                    return Ok(bytes);
                }
                read.extend_from_slice(&bytes);
            }
            n = batch + 1;
        }
        Ok(read.freeze())
    }
}
