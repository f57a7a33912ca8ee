//! What Athens keeps, as it writes it.

use bytes::Bytes;
use mongodb::bson::{Bson, Document, doc};
use stoa_module::ModuleVersion;

use super::database::Database;
use super::grid::GridFile;
use crate::error::StorageError;
use crate::key::{FileKey, FileKind};

/// Athens' bucket.
const BUCKET: &str = "fs";
/// Files of one name that are looked at, the youngest first.
const MAX_NAMESAKES: i64 = 8;
/// What begins an entry of a zip, and how long it is before its name.
const ENTRY: (&[u8], usize) = (b"PK\x03\x04", 30);

/// A file that Athens stored.
#[derive(Debug)]
pub(super) enum Found {
    /// A `.info` or `.mod`.
    Text(Bytes),
    /// A zip, and when it was stored.
    Zip(GridFile, Option<mongodb::bson::DateTime>),
}

/// Looks for the file in Athens' collection of versions and its bucket.
pub(super) async fn find(
    database: &Database,
    collection: &str,
    key: &FileKey,
) -> Result<Option<Found>, StorageError> {
    let field = match key.kind {
        FileKind::Info => "info",
        FileKind::Mod => "mod",
        FileKind::Zip => return find_zip(database, &key.target).await,
    };
    let (module, version) = (key.target.path().as_str(), key.target.version().as_str());
    let modules = database.collection(collection);
    let asking = modules.find_one(doc! {"module": module, "version": version});
    let found = database.run("look up", collection, asking).await?;
    Ok(match found.and_then(|mut document| document.remove(field)) {
        Some(Bson::Binary(content)) if !content.bytes.is_empty() => Some(Found::Text(content.bytes.into())),
        _ => None,
    })
}

/// The zip of exactly this module version.
///
/// Athens calls it after the module with `_` for each `/`, so that `example.com/a/b_c` and `example.com/a_b/c` share a
/// name, and serves the youngest. Every name in a module zip begins with `module@version/`, by which they are told apart;
/// what cannot be is not this module's.
async fn find_zip(database: &Database, target: &ModuleVersion) -> Result<Option<Found>, StorageError> {
    let (module, version) = (target.path().as_str(), target.version().as_str());
    let name = format!("{}_{version}.zip", module.replace('/', "_"));
    let files = database.collection(&format!("{BUCKET}.files"));
    let asking = files
        .find(doc! {"filename": &name})
        .sort(doc! {"uploadDate": -1})
        .limit(MAX_NAMESAKES);
    for listing in database.all(files.name(), asking).await? {
        let Some(file) = GridFile::of_listing(BUCKET, &listing) else {
            continue;
        };
        if is_named(&listing, target) || begins_with(database, &file, target).await? {
            return Ok(Some(Found::Zip(
                file,
                listing.get_datetime("uploadDate").ok().copied(),
            )));
        }
    }
    Ok(None)
}

/// Whether the metadata of the file name the version. Athens writes none, other tools may.
fn is_named(listing: &Document, target: &ModuleVersion) -> bool {
    let Ok(metadata) = listing.get_document("metadata") else {
        return false;
    };
    let is = |name: &str, text: &str| metadata.get_str(name).is_ok_and(|found| found == text);
    is("module", target.path().as_str()) && is("version", target.version().as_str())
}

/// Whether the first entry of the zip is in the directory of the version.
async fn begins_with(
    database: &Database,
    file: &GridFile,
    target: &ModuleVersion,
) -> Result<bool, StorageError> {
    let chunks = database.collection(&format!("{BUCKET}.chunks"));
    let asking = chunks.find_one(doc! {"files_id": file.id.clone(), "n": 0});
    let first = database.run("look up", chunks.name(), asking).await?;
    let Some(Bson::Binary(data)) = first.and_then(|mut chunk| chunk.remove("data")) else {
        return Ok(false);
    };
    let prefix = format!("{}@{}/", target.path(), target.version());
    Ok(first_name(&data.bytes).is_some_and(|name| name.starts_with(prefix.as_bytes())))
}

/// The name of the entry that a zip begins with.
fn first_name(zip: &[u8]) -> Option<&[u8]> {
    let (mark, fixed) = ENTRY;
    let head = zip.get(..fixed).filter(|head| head.starts_with(mark))?;
    let len = usize::from(u16::from_le_bytes([head[26], head[27]]));
    zip.get(fixed..fixed + len)
}

/// A page of the versions that Athens lists: those whose document comes after `after`, and the last of these.
pub(super) async fn page(
    database: &Database,
    collection: &str,
    after: Option<Bson>,
    limit: i64,
) -> Result<(Vec<ModuleVersion>, Option<Bson>), StorageError> {
    let filter = after.map_or_else(Document::new, |after| doc! {"_id": {"$gt": after}});
    let modules = database.collection(collection);
    let asking = modules
        .find(filter)
        .sort(doc! {"_id": 1})
        .limit(limit)
        .projection(doc! {"module": 1, "version": 1});
    let found = database.all(collection, asking).await?;
    let target = |document: &Document| {
        let path = document.get_str("module").ok()?.parse().ok()?;
        let version = document.get_str("version").ok()?.parse().ok()?;
        ModuleVersion::new(path, version).ok()
    };
    let last = found.last().and_then(|document| document.get("_id").cloned());
    Ok((found.iter().filter_map(target).collect(), last))
}

/// The versions that Athens lists of one module.
pub(super) async fn versions(
    database: &Database,
    collection: &str,
    module: &stoa_module::ModulePath,
) -> Result<Vec<ModuleVersion>, StorageError> {
    let modules = database.collection(collection);
    let asking = modules
        .find(doc! {"module": module.as_str()})
        .projection(doc! {"version": 1});
    let found = database.all(collection, asking).await?;
    let version = |document: &Document| document.get_str("version").ok()?.parse().ok();
    let versions = found.iter().filter_map(version);
    Ok(versions
        .filter_map(|version| ModuleVersion::new(module.clone(), version).ok())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::first_name;

    #[test]
    fn the_first_name_is_read_within_bounds() {
        let mut zip = b"PK\x03\x04".to_vec();
        zip.extend([0; 22]);
        zip.extend([3, 0, 0, 0]);
        zip.extend(b"a/b");
        assert_eq!(first_name(&zip), Some(&b"a/b"[..]));
        for end in 0..zip.len() {
            assert_eq!(first_name(&zip[..end]), None, "{end}");
        }
        zip[0] = b'X';
        assert_eq!(first_name(&zip), None);
    }
}
