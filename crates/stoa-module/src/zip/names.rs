//! The rules for the entries of a module zip.

use super::collision::{Collision, Collisions};
use super::error::{SizeError, ZipError};
use super::limits::{MAX_GO_MOD, MAX_LICENSE, ZipLimits};
use super::problem::{FileError, FileProblem};
use super::rules::{CheckedFiles, check_size, is_clean};
use crate::{ModuleVersion, PathKind};

/// Checks entries in the order of the central directory (`checkZip` of `golang.org/x/mod/zip`).
#[derive(Debug)]
pub(super) struct EntryRules {
    prefix: String,
    collisions: Collisions,
    limit: u64,
    size: u64,
    files: u64,
    checked: CheckedFiles,
    /// Whether to keep the names of valid files, which only a report needs.
    list_valid: bool,
}

impl EntryRules {
    pub(super) fn new(target: &ModuleVersion, limits: &ZipLimits) -> Self {
        Self {
            prefix: prefix(target),
            collisions: Collisions::new(limits.name_bytes),
            limit: limits.uncompressed_bytes,
            size: 0,
            files: 0,
            checked: CheckedFiles::default(),
            list_valid: false,
        }
    }

    /// Keeps the names of valid files for the report.
    pub(super) fn listing_valid(mut self) -> Self {
        self.list_valid = true;
        self
    }

    /// Takes the next entry, with its size inflated.
    ///
    /// Faults are collected, as the report lists them all; the error is for names that exceed their bound.
    pub(super) fn check(&mut self, name: &[u8], size: u64) -> Result<(), ZipError> {
        match self.check_entry(name, size) {
            Ok(()) => Ok(()),
            Err(Collision::Found(problem)) => {
                self.checked.invalid.push(FileError::new(name, problem));
                Ok(())
            }
            Err(Collision::OverBudget) => Err(ZipError::TooManyNames),
        }
    }

    fn check_entry(&mut self, name: &[u8], size: u64) -> Result<(), Collision> {
        let Some(path) = name.strip_prefix(self.prefix.as_bytes()) else {
            return Err(Collision::Found(FileProblem::NoPrefix {
                prefix: self.prefix.clone(),
            }));
        };
        if path.is_empty() {
            return Ok(());
        }
        let (path, is_dir) = path.strip_suffix(b"/").map_or((path, false), |dir| (dir, true));
        if !is_clean(path) {
            return Err(Collision::Found(FileProblem::NotClean));
        }
        let path = PathKind::File
            .check(path)
            .map_err(|reason| Collision::Found(reason.into()))?;
        self.collisions.check(path, is_dir)?;
        if is_dir {
            return Ok(());
        }
        if path
            .rsplit('/')
            .next()
            .is_some_and(|base| base.eq_ignore_ascii_case("go.mod"))
        {
            if path.contains('/') {
                return Err(Collision::Found(FileProblem::GoModNotInRoot));
            }
            if path != "go.mod" {
                return Err(Collision::Found(FileProblem::GoModCase));
            }
        }
        match self.size.checked_add(size).filter(|&sum| sum <= self.limit) {
            Some(sum) => self.size = sum,
            None => self.checked.size_error = Some(SizeError::Contents { limit: self.limit }),
        }
        check_size(path, size).map_err(Collision::Found)?;
        self.files += 1;
        if self.list_valid {
            self.checked.valid.push(self.prefix.clone() + path);
        }
        Ok(())
    }

    /// Whether an entry is the `go.mod` in the root.
    pub(super) fn is_go_mod(&self, name: &[u8]) -> bool {
        name.strip_prefix(self.prefix.as_bytes()) == Some(b"go.mod")
    }

    /// The most that an entry of this name may inflate to, with the fault of one that exceeds it.
    pub(super) fn size_limit(&self, name: &[u8]) -> Option<(u64, FileProblem)> {
        match name.strip_prefix(self.prefix.as_bytes())? {
            b"go.mod" => Some((MAX_GO_MOD, FileProblem::GoModTooLarge)),
            b"LICENSE" => Some((MAX_LICENSE, FileProblem::LicenseTooLarge)),
            _ => None,
        }
    }

    /// Frees the memory of names that do not matter any more.
    pub(super) fn forget(&mut self) {
        self.collisions = Collisions::new(0);
        self.checked = CheckedFiles::default();
    }

    /// What the entries amount to: files, and bytes inflated.
    pub(super) fn finish(self) -> Result<(u64, u64), ZipError> {
        self.checked.into_result()?;
        Ok((self.files, self.size))
    }

    /// All entries sorted.
    pub(super) fn into_report(self) -> CheckedFiles {
        self.checked
    }
}

/// What every entry's name starts with: `path@version/`, not escaped.
pub(super) fn prefix(target: &ModuleVersion) -> String {
    format!("{}@{}/", target.path(), target.version())
}
