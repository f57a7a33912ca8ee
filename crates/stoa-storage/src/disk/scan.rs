//! Finding what is stored.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry, FileType};
use std::path::Path;
use std::time::SystemTime;

use stoa_module::{ModulePath, Version};

use super::lookup::is_absent;
use super::tree::Tree;
use crate::error::StorageError;
use crate::key::{FileKey, VERSIONS, module_place};
use crate::stored_file::StoredFile;
use crate::stored_version::StoredVersion;

impl Tree {
    pub(super) fn versions(&self, module: &ModulePath) -> Result<Vec<StoredVersion>, StorageError> {
        let mut found: BTreeMap<Version, StoredVersion> = BTreeMap::new();
        entries(&self.layout.versions(module), |entry| {
            let key = FileKey::of_name(module, &entry.name).filter(|_| !entry.kind.is_dir());
            if let Some(FileKey { target, kind }) = key {
                let version = target.version().clone();
                found
                    .entry(version.clone())
                    .or_insert_with(|| StoredVersion::new(version))
                    .add(kind);
            }
            true
        })?;
        if found.is_empty() {
            self.check_root()?;
        }
        Ok(found.into_values().collect())
    }

    pub(super) fn modules(
        &self,
        after: Option<&ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModulePath>, StorageError> {
        let after = after.map(module_place);
        let mut found = Vec::new();
        let mut visit = |module: ModulePath, place: &Path| {
            let is_new = after.as_ref().is_none_or(|after| module_place(&module) > *after);
            if is_new && has_files(&module, place)? {
                found.push(module);
            }
            Ok(found.len() < limit)
        };
        self.walk(after.as_deref(), limit, &mut visit)?;
        self.checked(found)
    }

    pub(super) fn files(
        &self,
        after: Option<&FileKey>,
        limit: usize,
    ) -> Result<Vec<StoredFile>, StorageError> {
        let after = after.map(FileKey::to_string);
        let mut found = Vec::new();
        let mut visit = |module: ModulePath, place: &Path| {
            let mut files = files_of(&module, place)?;
            files.retain(|(text, _)| after.as_ref().is_none_or(|after| text > after));
            files.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            found.extend(files.into_iter().map(|(_, file)| file).take(limit - found.len()));
            Ok(found.len() < limit)
        };
        self.walk(after.as_deref(), limit, &mut visit)?;
        self.checked(found)
    }

    /// Visits modules until there are enough of what is looked for, from that of the place `after` on.
    fn walk(
        &self,
        after: Option<&str>,
        limit: usize,
        visit: &mut dyn FnMut(ModulePath, &Path) -> Result<bool, StorageError>,
    ) -> Result<(), StorageError> {
        if limit == 0 {
            return Ok(());
        }
        let mut walk = Walk { after, visit };
        walk.descend(self.layout.root(), "", "").map(drop)
    }

    /// What was found, if that is anything; where nothing was, the root may be gone.
    fn checked<T>(&self, found: Vec<T>) -> Result<Vec<T>, StorageError> {
        if found.is_empty() {
            self.check_root()?;
        }
        Ok(found)
    }
}

/// A walk over the tree that meets modules in the order of their places, and skips what lies before its start without
/// looking into it.
struct Walk<'a> {
    after: Option<&'a str>,
    /// Says whether to go on.
    visit: &'a mut dyn FnMut(ModulePath, &Path) -> Result<bool, StorageError>,
}

impl Walk<'_> {
    /// Visits the modules below `directory`, the place of `path`; both texts are empty or end in `/`. Says whether to go
    /// on.
    ///
    /// Every name here is that of a directory, so that what follows it in a place is a slash.
    fn descend(&mut self, directory: &Path, place: &str, path: &str) -> Result<bool, StorageError> {
        let mut steps: Vec<(String, Option<String>)> = Vec::new();
        entries(directory, |entry| {
            let (name, kind) = (&entry.name, entry.kind);
            // Directories at the top are domains. Others, such as lost+found, may not even be readable.
            let may_lead_to_modules = kind.is_dir() && (!place.is_empty() || name.contains('.'));
            if may_lead_to_modules && name == VERSIONS {
                steps.push((format!("{place}{name}/"), None));
            } else if let Some(element) = unescape_element(name).filter(|_| may_lead_to_modules) {
                steps.push((format!("{place}{name}/"), Some(format!("{path}{element}/"))));
            }
            true
        })?;
        steps.retain(|(place, _)| self.is_ahead(place));
        steps.sort_unstable();
        for (place, below) in steps {
            let name = place.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            let child = directory.join(name);
            let goes_on = match (below, path.trim_end_matches('/').parse()) {
                (Some(path), _) => self.descend(&child, &place, &path)?,
                (None, Ok(module)) => (self.visit)(module, &child)?,
                (None, Err(_)) => true,
            };
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether anything in the directory at `place` is still to come.
    fn is_ahead(&self, place: &str) -> bool {
        self.after
            .is_none_or(|after| place > after || after.starts_with(place))
    }
}

fn has_files(module: &ModulePath, versions: &Path) -> Result<bool, StorageError> {
    let mut has_files = false;
    entries(versions, |entry| {
        has_files = !entry.kind.is_dir() && FileKey::of_name(module, &entry.name).is_some();
        !has_files
    })?;
    Ok(has_files)
}

/// The stored files of a module, each with the text of its key.
fn files_of(module: &ModulePath, versions: &Path) -> Result<Vec<(String, StoredFile)>, StorageError> {
    let mut files = Vec::new();
    entries(versions, |entry| {
        let key = FileKey::of_name(module, &entry.name).filter(|_| !entry.kind.is_dir());
        // A file that vanished meanwhile is not stored. A link is followed, as it is when the file is opened.
        let metadata = key.and_then(|key| Some((key, fs::metadata(versions.join(&entry.name)).ok()?)));
        if let Some((key, metadata)) = metadata {
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let used = metadata.accessed().map_or(modified, |used| used.max(modified));
            let (text, len) = (key.to_string(), metadata.len());
            let file = StoredFile {
                key,
                len,
                modified,
                used,
            };
            files.push((text, file));
        }
        true
    })?;
    Ok(files)
}

/// A name in a directory.
struct Entry {
    name: String,
    kind: FileType,
}

/// Calls `visit` with each name in `directory` that is text, until it says stop. No directory, no names.
fn entries(directory: &Path, mut visit: impl FnMut(&Entry) -> bool) -> Result<(), StorageError> {
    let failed = |error| StorageError::from_io("list", directory, error);
    let listing = match fs::read_dir(directory) {
        Err(error) if is_absent(&error) => return Ok(()),
        listing => listing.map_err(failed)?,
    };
    for entry in listing {
        let entry = entry.map_err(failed)?;
        let Some(entry) = describe(&entry) else {
            continue;
        };
        if !visit(&entry) {
            break;
        }
    }
    Ok(())
}

/// `None` for names that are not text, and for files that vanished meanwhile.
fn describe(entry: &DirEntry) -> Option<Entry> {
    Some(Entry {
        name: entry.file_name().into_string().ok()?,
        kind: entry.file_type().ok()?,
    })
}

/// One element of an escaped module path: `!b` stands for `B`. `None` for names that no escaping yields.
fn unescape_element(name: &str) -> Option<String> {
    if name.starts_with(['.', '@']) {
        return None;
    }
    let mut element = String::with_capacity(name.len());
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        element.push(match character {
            '!' => characters
                .next()
                .filter(char::is_ascii_lowercase)?
                .to_ascii_uppercase(),
            'A'..='Z' => return None,
            plain => plain,
        });
    }
    Some(element)
}
