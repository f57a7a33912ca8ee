//! What is stored in both places.

use std::collections::BTreeMap;
use std::time::SystemTime;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use stoa_module::{ModulePath, Version};

use super::both::Both;
use super::catalog;
use super::saved::Saved;
use crate::error::StorageError;
use crate::key::{FileKey, FileKind, module_place};
use crate::remote_fault::RemoteFault;
use crate::stored_file::StoredFile;
use crate::stored_version::StoredVersion;

/// Files whose size is asked for at a time.
const SIZES: usize = 8;
/// How often a page is begun anew because something of it has gone meanwhile.
const TRIES: usize = 3;

pub(super) async fn versions(both: &Both, module: &ModulePath) -> Result<Vec<StoredVersion>, StorageError> {
    let mut found: BTreeMap<Version, StoredVersion> = BTreeMap::new();
    let mut note = |version: Version, kinds: &dyn Fn(FileKind) -> bool| {
        let stored = found
            .entry(version.clone())
            .or_insert_with(|| StoredVersion::new(version));
        FileKind::ALL
            .into_iter()
            .filter(|kind| kinds(*kind))
            .for_each(|kind| stored.add(kind));
    };
    // Files go in both directions, so here before and after: what was on its way is found in one of them.
    for stored in both.local.versions(module).await? {
        note(stored.version.clone(), &|kind| stored.has(kind));
    }
    for version in both.remote.versions(module).await? {
        note(version, &|_| true);
    }
    for stored in both.local.versions(module).await? {
        note(stored.version.clone(), &|kind| stored.has(kind));
    }
    Ok(found.into_values().collect())
}

pub(super) async fn modules(
    both: &Both,
    after: Option<&ModulePath>,
    limit: usize,
) -> Result<Vec<ModulePath>, StorageError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let place = after.map(module_place);
    let named = |module: ModulePath| (module_place(&module), module);
    let mut found: BTreeMap<_, _> = both
        .local
        .modules(after, limit)
        .await?
        .into_iter()
        .map(named)
        .collect();
    let of_target = |target: stoa_module::ModuleVersion| vec![named(target.into_parts().0)];
    found.extend(catalog::first(&both.remote, place.as_deref(), limit, of_target).await?);
    found.extend(both.local.modules(after, limit).await?.into_iter().map(named));
    Ok(found.into_values().take(limit).collect())
}

pub(super) async fn files(
    both: &Both,
    after: Option<&FileKey>,
    limit: usize,
) -> Result<Vec<StoredFile>, StorageError> {
    for _ in 0..TRIES {
        if let Some(page) = page(both, after, limit).await? {
            return Ok(page);
        }
    }
    let reason = "files come and go while they are listed";
    let place = both.remote.place("/catalog");
    Err(StorageError::remote(RemoteFault::Away, "list", &place, reason))
}

/// A page of files; `None` if one of them has gone, because a page that is not full would be the last.
async fn page(
    both: &Both,
    after: Option<&FileKey>,
    limit: usize,
) -> Result<Option<Vec<StoredFile>>, StorageError> {
    if limit == 0 {
        return Ok(Some(Vec::new()));
    }
    let text = after.map(FileKey::to_string);
    let of_target = |target: stoa_module::ModuleVersion| {
        let keys = FileKind::ALL.map(|kind| FileKey::new(target.clone(), kind));
        keys.map(|key| (key.to_string(), (key, None))).to_vec()
    };
    let local = async || both.local.files(after, limit).await;
    let named = |file: StoredFile| (file.key.to_string(), (file.key.clone(), Some(file)));
    let before = local().await?;
    let mut found = catalog::first(&both.remote, text.as_deref(), limit, of_target).await?;
    found.extend(before.into_iter().map(named));
    found.extend(local().await?.into_iter().map(named));
    let sizes = found
        .into_values()
        .take(limit)
        .map(async |(key, here)| match here {
            Some(file) => Ok(Some(file)),
            None => describe(both, key).await,
        });
    let files: Vec<_> = stream::iter(sizes).buffered(SIZES).try_collect().await?;
    Ok(files.into_iter().collect())
}

/// What a file of the remote is: as this process saved it, or as the server says. One that says no date has files from 1970.
async fn describe(both: &Both, key: FileKey) -> Result<Option<StoredFile>, StorageError> {
    if let Some(saved) = Saved::read(&both.records(), &key.target).await? {
        let (len, modified) = (saved.len(key.kind), saved.at);
        return Ok(Some(StoredFile {
            key,
            len,
            modified,
            used: modified,
        }));
    }
    let Some(fetched) = both.remote.file(&key, 0, None).await? else {
        let here = both.local.open(&key).await?;
        let modified = SystemTime::now();
        return Ok(here.map(|blob| StoredFile {
            key,
            len: blob.len(),
            modified,
            used: modified,
        }));
    };
    let modified = fetched.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let len = match fetched.len {
        Some(len) => len,
        None => both.open_remote(&key).await?.map_or(0, |blob| blob.len()),
    };
    Ok(Some(StoredFile {
        key,
        len,
        modified,
        used: modified,
    }))
}
