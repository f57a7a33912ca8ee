//! Storing files and finding them.

use std::path::PathBuf;

use bytes::Bytes;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::{Collection, options::ReturnDocument};
use stoa_module::dirhash::H1;

use super::athens::{self, Found};
use super::database::Database;
use super::failure::malformed;
use super::grid::{self, GridFile};
use super::held::Held;
use super::kept::{Content, Kept};
use crate::blob::SMALL_FILE;
use crate::error::StorageError;
use crate::key::{FileKey, FileKind};
use crate::put::Put;
use crate::stage::ReadAt;

/// The documents of stored files.
pub(super) const FILES: &str = "stoa_files";
/// Those of files that were taken out of service or refused.
pub(super) const ASIDE: &str = "stoa_quarantine";
/// The keys under which Athens keeps what was taken out of service.
const HIDDEN: &str = "stoa_hidden";

/// The collections, and where files wait that are on their way.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) database: Database,
    pub(super) athens: Option<String>,
    pub(super) spool: PathBuf,
}

impl Shelf {
    pub(super) fn files(&self) -> Collection<Document> {
        self.database.collection(FILES)
    }

    /// The file, if it is stored: by stoa, or by Athens.
    pub(super) async fn find(&self, key: &FileKey) -> Result<Option<Kept>, StorageError> {
        match self.find_own(key).await? {
            Some(kept) => Ok(Some(kept)),
            None => self.adopt(key).await,
        }
    }

    async fn find_own(&self, key: &FileKey) -> Result<Option<Kept>, StorageError> {
        let id = key.to_string();
        let files = self.files();
        let found = self
            .database
            .run("look up", &id, files.find_one(doc! {"_id": &id}))
            .await?;
        let Some(document) = found else {
            return Ok(None);
        };
        let kept = Kept::of_document(document);
        kept.map(Some)
            .ok_or_else(|| malformed(&id, "its document is not as stoa writes it"))
    }

    /// Makes a document of its own for a file that Athens keeps, so that it is found and listed as every other. A zip stays
    /// where it is.
    async fn adopt(&self, key: &FileKey) -> Result<Option<Kept>, StorageError> {
        let Some(collection) = &self.athens else {
            return Ok(None);
        };
        let Some(found) = athens::find(&self.database, collection, key).await? else {
            return Ok(None);
        };
        let hidden = self.database.collection(HIDDEN);
        let asking = hidden.find_one(doc! {"_id": key.to_string()});
        if self.database.run("look up", HIDDEN, asking).await?.is_some() {
            return Ok(None);
        }
        let mut kept = match found {
            Found::Text(content) => {
                let len = content.len() as u64;
                self.keep(&key.to_string(), &Held(content), len, None).await?
            }
            Found::Zip(file, at) => {
                let mut kept = Kept::new(file.len, Content::Grid(file), None, None);
                if let Some(at) = at {
                    kept.at = at.to_system_time();
                }
                kept
            }
        };
        kept.from_athens = true;
        self.publish(key, &kept).await?;
        self.find_own(key).await
    }

    /// Writes the content, which shows under no key yet.
    pub(super) async fn keep(
        &self,
        name: &str,
        source: &dyn ReadAt,
        len: u64,
        h1: Option<H1>,
    ) -> Result<Kept, StorageError> {
        if len <= SMALL_FILE {
            let all = source.read_at(0, usize::try_from(len).unwrap_or_default()).await;
            let all = all.map_err(|error| StorageError::from_io("read", "the spool".as_ref(), error))?;
            let sum = grid::sum_of(&Held(all.clone()), len).await.ok();
            return Ok(Kept::new(len, Content::Inline(all), sum, h1));
        }
        let (file, sum) = grid::write(&self.database, name, source, len).await?;
        Ok(Kept::new(len, Content::Grid(file), Some(sum), h1))
    }

    /// Makes the file visible, if its key is free.
    async fn publish(&self, key: &FileKey, kept: &Kept) -> Result<Put, StorageError> {
        let place = key.to_string();
        let files = self.files();
        let added = self
            .database
            .add(&place, files.insert_one(kept.to_document(key)))
            .await?;
        let is_ours = match added {
            Some(_) => true,
            // The driver may have sent it twice, where it did not hear of the first time.
            None => self
                .find_own(key)
                .await?
                .is_some_and(|other| other.uid == kept.uid),
        };
        if let Content::Grid(file) = &kept.content {
            if is_ours {
                grid::settled(&self.database, file).await?;
            } else {
                grid::discard(&self.database, file).await?;
            }
        }
        Ok(if is_ours { Put::Stored } else { Put::Existed })
    }

    pub(super) async fn put(&self, key: &FileKey, content: Bytes) -> Result<Put, StorageError> {
        let len = content.len() as u64;
        self.store(key, &Held(content), len, None).await
    }

    /// Stores the first `len` bytes of `source`.
    pub(super) async fn store(
        &self,
        key: &FileKey,
        source: &dyn ReadAt,
        len: u64,
        h1: Option<&H1>,
    ) -> Result<Put, StorageError> {
        let h1 = h1.filter(|_| key.kind == FileKind::Zip).copied();
        if self.find(key).await?.is_none() {
            let kept = self.keep(&key.to_string(), source, len, h1).await?;
            if self.publish(key, &kept).await? == Put::Stored {
                return Ok(Put::Stored);
            }
        }
        if let Some(h1) = h1 {
            self.bring_hash(key, source, len, &h1).await?;
        }
        Ok(Put::Existed)
    }

    /// Gives the stored zip the hash, if it has none and is the same as `source`.
    async fn bring_hash(
        &self,
        key: &FileKey,
        source: &dyn ReadAt,
        len: u64,
        h1: &H1,
    ) -> Result<(), StorageError> {
        let Some(kept) = self.find_own(key).await? else {
            return Ok(());
        };
        if kept.h1.is_some() || kept.len != len {
            return Ok(());
        }
        let unread = |error| StorageError::from_io("compare", key.to_string().as_ref(), error);
        let theirs = match (&kept.sum, &kept.content) {
            (Some(sum), _) => sum.clone(),
            (None, Content::Grid(file)) => grid::sum(&self.database, file).await.map_err(unread)?,
            (None, Content::Inline(bytes)) => {
                grid::sum_of(&Held(bytes.clone()), len).await.map_err(unread)?
            }
        };
        if theirs != grid::sum_of(source, len).await.map_err(unread)? {
            return Ok(());
        }
        let place = key.to_string();
        let same = doc! {"_id": &place, "uid": kept.uid, "h1": {"$exists": false}};
        let files = self.files();
        let updating = files.update_one(same, doc! {"$set": {"h1": h1.to_string()}});
        self.database.run("store", &place, updating).await.map(drop)
    }

    /// Takes the file out of service; its document is kept aside, by which its bytes stay.
    pub(super) async fn quarantine(&self, key: &FileKey) -> Result<bool, StorageError> {
        let Some(kept) = self.find(key).await? else {
            return Ok(false);
        };
        let place = key.to_string();
        self.hide(key, &kept).await?;
        // Aside first: bytes to which no document refers are lost.
        let id = self.set_aside(ObjectId::new().into(), key, &kept).await?;
        let files = self.files();
        let deleting = files.delete_one(doc! {"_id": &place, "uid": kept.uid});
        let deleted = self
            .database
            .run("quarantine", &place, deleting)
            .await?
            .deleted_count;
        if deleted == 0 {
            // Somebody else took it out, and set it aside as well.
            let aside = self.database.collection(ASIDE);
            self.database
                .run("quarantine", &place, aside.delete_one(doc! {"_id": id}))
                .await?;
        }
        Ok(deleted > 0)
    }

    /// Removes the file. Its bytes, which somebody may be reading, go as those of dead writers do.
    pub(super) async fn remove(&self, key: &FileKey) -> Result<bool, StorageError> {
        let Some(kept) = self.find(key).await? else {
            return Ok(false);
        };
        let place = key.to_string();
        self.hide(key, &kept).await?;
        let files = self.files();
        let deleting = files.delete_one(doc! {"_id": &place, "uid": kept.uid});
        let deleted = self.database.run("remove", &place, deleting).await?;
        Ok(deleted.deleted_count > 0)
    }

    /// Sees to it that a file of Athens is not found there again.
    async fn hide(&self, key: &FileKey, kept: &Kept) -> Result<(), StorageError> {
        if !kept.from_athens {
            return Ok(());
        }
        let (place, hidden) = (key.to_string(), self.database.collection(HIDDEN));
        let hiding = hidden.insert_one(doc! {"_id": &place});
        self.database.add(&place, hiding).await.map(drop)
    }

    /// Keeps what was refused on arrival, in place of what was refused before under this key.
    pub(super) async fn reject(
        &self,
        key: &FileKey,
        source: &dyn ReadAt,
        len: u64,
    ) -> Result<(), StorageError> {
        let kept = self.keep(&key.to_string(), source, len, None).await?;
        self.set_aside(format!("rejected/{key}").into(), key, &kept)
            .await?;
        match &kept.content {
            Content::Grid(file) => grid::settled(&self.database, file).await,
            Content::Inline(_) => Ok(()),
        }
    }

    async fn set_aside(&self, id: Bson, key: &FileKey, kept: &Kept) -> Result<Bson, StorageError> {
        let mut document = kept.to_document(key);
        document.insert("_id", id.clone());
        document.insert("key", key.to_string());
        document.insert("since", DateTime::now());
        let aside = self.database.collection(ASIDE);
        let replacing = aside
            .find_one_and_replace(doc! {"_id": id.clone()}, document)
            .upsert(true)
            .return_document(ReturnDocument::Before);
        let older = self
            .database
            .run("quarantine", &key.to_string(), replacing)
            .await?;
        if let Some(older) = older.and_then(Kept::of_document)
            && let Content::Grid(file) = older.content
        {
            grid::discard(&self.database, &file).await?;
        }
        Ok(id)
    }

    /// Deletes what dead writers left, as far as it is as old as that.
    pub(super) async fn sweep(
        &self,
        age: std::time::Duration,
        others: [&str; 2],
    ) -> Result<usize, StorageError> {
        let [records, artifacts] = others;
        grid::sweep(&self.database, age, &[FILES, ASIDE, records, artifacts]).await
    }

    /// Makes documents for all that Athens keeps, and says how many files there are of it.
    pub(super) async fn adopt_all(&self) -> Result<usize, StorageError> {
        let Some(collection) = &self.athens else {
            return Ok(0);
        };
        let (mut adopted, mut after) = (0, None);
        loop {
            let (targets, last) = athens::page(&self.database, collection, after, 256).await?;
            for target in &targets {
                adopted += self.adopt_version(target).await?;
            }
            if last.is_none() {
                return Ok(adopted);
            }
            after = last;
        }
    }

    /// Makes documents for the files that Athens keeps of a version; says how many of them there are.
    pub(super) async fn adopt_version(
        &self,
        target: &stoa_module::ModuleVersion,
    ) -> Result<usize, StorageError> {
        let mut found = 0;
        for kind in FileKind::ALL {
            let kept = self.find(&FileKey::new(target.clone(), kind)).await?;
            found += usize::from(kept.is_some_and(|kept| kept.from_athens));
        }
        Ok(found)
    }
}

/// The content of a document that is no file of a module, so that its pieces can be discarded.
pub(super) fn grid_of(document: &Document) -> Option<GridFile> {
    let len = super::database::number(document, "len")?;
    GridFile::of_document(document.get_document("grid").ok()?, len)
}
