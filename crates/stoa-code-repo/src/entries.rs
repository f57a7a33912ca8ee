//! What an archive holds.

use std::{collections::HashSet, io::Read as _};

use stoa_module::zip::{FileEntry, FileKind, MAX_GO_MOD, ZipError, is_vendored_package};
use stoa_vcs::{Entry, EntryKind};

use crate::{CodeLimits, CodeRepoReason};

const LICENSE: &[u8] = b"LICENSE";

/// The entries of an archive.
#[derive(Default)]
pub(crate) struct Entries {
    pub(crate) files: Vec<FileEntry>,
    names: u64,
    /// Folders that are modules of their own, as far as is known, each with its slash.
    modules: HashSet<Vec<u8>>,
    /// The content of the go.mod of the module, and its place.
    pub(crate) go_mod: Option<Vec<u8>>,
    pub(crate) go_mod_index: usize,
    /// Whether something is called `LICENSE`.
    pub(crate) has_license: bool,
}

impl Entries {
    /// Adds an entry and learns from it; its place comes back.
    pub(crate) fn add(
        &mut self,
        entry: &mut Entry<'_>,
        limits: &CodeLimits,
    ) -> Result<usize, CodeRepoReason> {
        self.names = self.names.saturating_add(entry.path.len() as u64);
        if self.files.len() >= limits.entries || self.names > limits.names {
            return Err(CodeRepoReason::zip(ZipError::TooManyNames));
        }
        let kind = match entry.kind {
            EntryKind::File => FileKind::Regular,
            EntryKind::Symlink => FileKind::Symlink,
            EntryKind::Other => FileKind::Irregular,
        };
        let index = self.files.len();
        let path = std::mem::take(&mut entry.path);
        self.has_license |= path == LICENSE;
        if kind == FileKind::Regular {
            let base = path.rsplit(|&b| b == b'/').next().unwrap_or_default();
            if base.eq_ignore_ascii_case(b"go.mod") && base.len() < path.len() {
                self.modules.insert(path[..path.len() - base.len()].to_vec());
            }
            if path == b"go.mod" && entry.size <= MAX_GO_MOD {
                self.go_mod = Some(read_small(entry, &path)?);
                self.go_mod_index = index;
            }
        }
        self.files.push(FileEntry {
            path,
            size: entry.size,
            kind,
        });
        Ok(index)
    }

    /// Whether a file is left out by any rule for vendored packages, or belongs to another module.
    pub(crate) fn is_left_out(&self, path: &[u8]) -> bool {
        let mut folders = (0..path.len()).filter(|&i| path[i] == b'/').map(|i| &path[..=i]);
        (is_vendored_package(path, "") && is_vendored_package(path, "go1.24"))
            || (!self.modules.is_empty() && folders.any(|folder| self.modules.contains(folder)))
    }
}

/// The content of a file that fits into memory.
pub(crate) fn read_small(entry: &mut Entry<'_>, path: &[u8]) -> Result<Vec<u8>, CodeRepoReason> {
    let mut content = Vec::with_capacity(usize::try_from(entry.size).unwrap_or(0));
    let mut limited = entry.content.take(entry.size.saturating_add(1));
    limited.read_to_end(&mut content).map_err(CodeRepoReason::read)?;
    if (content.len() as u64) < entry.size {
        let path = path.to_vec();
        return Err(CodeRepoReason::zip(ZipError::SmallerThanDeclared { path }));
    }
    Ok(content)
}
