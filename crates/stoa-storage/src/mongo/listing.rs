//! Finding what is stored.

use std::collections::{BTreeMap, HashMap};

use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};
use stoa_module::{ModulePath, ModuleVersion, Version};

use super::athens;
use super::database::{number, size};
use super::shelf::{FILES, Shelf};
use crate::error::StorageError;
use crate::key::{FileKey, FileKind, VERSIONS, module_place};
use crate::stored_file::StoredFile;
use crate::stored_version::StoredVersion;

/// The versions of a module. What Athens keeps of it gets documents first, once.
pub(super) async fn versions(shelf: &Shelf, module: &ModulePath) -> Result<Vec<StoredVersion>, StorageError> {
    let place = module_place(module);
    let mut found: BTreeMap<Version, StoredVersion> = BTreeMap::new();
    let of_module = async || {
        let files = shelf.files();
        let asking = files.find(doc! {"place": &place}).projection(doc! {"_id": 1});
        shelf.database.all(&place, asking).await
    };
    let mut documents = of_module().await?;
    if let Some(collection) = &shelf.athens {
        let mut known: HashMap<Version, usize> = HashMap::new();
        for key in documents.iter().filter_map(key) {
            *known.entry(key.target.version().clone()).or_default() += 1;
        }
        let theirs = athens::versions(&shelf.database, collection, module).await?;
        // A version has all of its files, or is looked for anew each time.
        let is_new = |target: &&ModuleVersion| known.get(target.version()) != Some(&FileKind::ALL.len());
        let new = theirs.iter().filter(is_new);
        let mut adopted = 0;
        for target in new {
            adopted += shelf.adopt_version(target).await?;
        }
        if adopted > 0 {
            documents = of_module().await?;
        }
    }
    for key in documents.iter().filter_map(key) {
        let version = key.target.version();
        let stored = found
            .entry(version.clone())
            .or_insert_with(|| StoredVersion::new(version.clone()));
        stored.add(key.kind);
    }
    Ok(found.into_values().collect())
}

/// A page of modules, by the index over their places.
pub(super) async fn modules(
    shelf: &Shelf,
    after: Option<&ModulePath>,
    limit: usize,
) -> Result<Vec<ModulePath>, StorageError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let after = after.map_or_else(String::new, module_place);
    let pipeline = [
        doc! {"$match": {"place": {"$gt": after}}},
        doc! {"$sort": {"place": 1}},
        doc! {"$group": {"_id": "$place"}},
        doc! {"$sort": {"_id": 1}},
        doc! {"$limit": size(limit as u64)},
    ];
    let files = shelf.files();
    let asking = async {
        files
            .aggregate(pipeline)
            .await?
            .try_collect::<Vec<Document>>()
            .await
    };
    let found = shelf.database.run("list", FILES, asking).await?;
    let module = |document: &Document| {
        let place = document.get_str("_id").ok()?.strip_suffix('/')?;
        ModulePath::unescape(place.strip_suffix(VERSIONS)?.strip_suffix('/')?).ok()
    };
    Ok(found.iter().filter_map(module).collect())
}

/// A page of files, by the index over their keys.
pub(super) async fn files(
    shelf: &Shelf,
    after: Option<&FileKey>,
    limit: usize,
) -> Result<Vec<StoredFile>, StorageError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let after = after.map_or_else(String::new, FileKey::to_string);
    let files = shelf.files();
    let asking = files
        .find(doc! {"_id": {"$gt": after}})
        .sort(doc! {"_id": 1})
        .limit(size(limit as u64))
        .projection(doc! {"len": 1, "at": 1});
    let found = shelf.database.all(FILES, asking).await?;
    let file = |document: &Document| {
        let modified = document.get_datetime("at").ok()?.to_system_time();
        Some(StoredFile {
            key: key(document)?,
            len: number(document, "len")?,
            modified,
            used: modified,
        })
    };
    Ok(found.iter().filter_map(file).collect())
}

fn key(document: &Document) -> Option<FileKey> {
    FileKey::parse(document.get_str("_id").ok()?)
}
