//! Finding what is stored.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry, FileType};
use std::path::{Path, PathBuf};

use stoa_module::{ModulePath, Version};

use super::layout::{VERSIONS, parse_file_name};
use super::lookup::is_absent;
use super::tree::Tree;
use crate::error::StorageError;
use crate::stored_version::StoredVersion;

impl Tree {
    pub(super) fn versions(&self, module: &ModulePath) -> Result<Vec<StoredVersion>, StorageError> {
        let mut found: BTreeMap<Version, StoredVersion> = BTreeMap::new();
        entries(&self.layout.versions(module), |name, kind| {
            if let Some((version, file)) = parse_file_name(module, &name).filter(|_| !kind.is_dir()) {
                found
                    .entry(version.clone())
                    .or_insert_with(|| StoredVersion::new(version))
                    .add(file);
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
        let mut walk = Walk {
            after: after.map(ModulePath::as_str),
            limit,
            found: Vec::new(),
        };
        if limit > 0 {
            walk.descend(self.layout.root(), "")?;
        }
        if walk.found.is_empty() {
            self.check_root()?;
        }
        Ok(walk.found)
    }
}

/// A walk over the tree that meets modules in the order of their paths as text, and skips what lies before
/// its start without looking into it.
struct Walk<'a> {
    after: Option<&'a str>,
    limit: usize,
    found: Vec<ModulePath>,
}

impl Walk<'_> {
    /// Visits the modules below `directory`; their paths begin with `prefix`, which is empty or ends in `/`.
    ///
    /// A child stands in the order twice: as itself, `a`, and for what is below it, `a/`. Between the two come
    /// its siblings such as `a-b` and `a.b`, whose extra character sorts before the slash.
    fn descend(&mut self, directory: &Path, prefix: &str) -> Result<(), StorageError> {
        let mut steps: Vec<(String, PathBuf)> = Vec::new();
        entries(directory, |name, kind| {
            // Directories at the top are domains. Others, such as lost+found, may not even be readable.
            let may_lead_to_modules = kind.is_dir() && (!prefix.is_empty() || name.contains('.'));
            if let Some(element) = unescape_element(&name).filter(|_| may_lead_to_modules) {
                let (path, place) = (format!("{prefix}{element}"), directory.join(&name));
                steps.push((format!("{path}/"), place.clone()));
                steps.push((path, place));
            }
            true
        })?;
        steps.retain(|(path, _)| self.is_ahead(path));
        steps.sort_unstable();
        for (path, place) in steps {
            if self.found.len() >= self.limit {
                break;
            }
            if path.ends_with('/') {
                self.descend(&place, &path)?;
            } else {
                self.visit(&place, &path)?;
            }
        }
        Ok(())
    }

    /// Whether the module `path`, or if it ends in a slash any below it, is still to come.
    fn is_ahead(&self, path: &str) -> bool {
        self.after
            .is_none_or(|after| path > after || (path.ends_with('/') && after.starts_with(path)))
    }

    fn visit(&mut self, place: &Path, path: &str) -> Result<(), StorageError> {
        let Ok(module) = path.parse::<ModulePath>() else {
            return Ok(());
        };
        let mut has_files = false;
        entries(&place.join(VERSIONS), |name, kind| {
            has_files = !kind.is_dir() && parse_file_name(&module, &name).is_some();
            !has_files
        })?;
        if has_files {
            self.found.push(module);
        }
        Ok(())
    }
}

/// Calls `visit` with each name in `directory` that is text, until it says stop. No directory, no names.
fn entries(directory: &Path, mut visit: impl FnMut(String, FileType) -> bool) -> Result<(), StorageError> {
    let failed = |error| StorageError::from_io("list", directory, error);
    let listing = match fs::read_dir(directory) {
        Err(error) if is_absent(&error) => return Ok(()),
        listing => listing.map_err(failed)?,
    };
    for entry in listing {
        let entry = entry.map_err(failed)?;
        let Some((name, kind)) = describe(&entry) else {
            continue;
        };
        if !visit(name, kind) {
            break;
        }
    }
    Ok(())
}

/// `None` for names that are not text, and for files that vanished meanwhile.
fn describe(entry: &DirEntry) -> Option<(String, FileType)> {
    Some((entry.file_name().into_string().ok()?, entry.file_type().ok()?))
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
