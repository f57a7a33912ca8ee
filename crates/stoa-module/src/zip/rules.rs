//! Which files a module zip holds, which it leaves out, and which spoil it.

use std::collections::HashSet;
use std::fmt;

use super::collision::{Collision, Collisions};
use super::error::{SizeError, ZipError};
use super::limits::{MAX_GO_MOD, MAX_LICENSE, MAX_ZIP_FILE, ZipLimits};
use super::problem::{FileError, FileErrors, FileProblem};
use super::vendored::{VendorRule, is_vendored};
use crate::PathKind;
use crate::modfile::ModFile;

/// What a file of a source tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file, executable or not.
    Regular,
    /// A symbolic link.
    Symlink,
    /// A directory, where a list names them.
    Directory,
    /// A device, pipe, socket, submodule.
    Irregular,
}

/// A file of a source tree: where it is, how large and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Path from the root of the module, with slashes. Not necessarily text: trees hold what they hold.
    pub path: Vec<u8>,
    /// Bytes of the content.
    pub size: u64,
    /// What it is.
    pub kind: FileKind,
}

impl FileEntry {
    /// A regular file.
    pub fn regular(path: impl Into<Vec<u8>>, size: u64) -> Self {
        Self {
            path: path.into(),
            size,
            kind: FileKind::Regular,
        }
    }
}

/// Files sorted into those a module zip holds, those it leaves out and those it must not hold.
///
/// Displayed as three lists under the headings `valid:`, `omitted:` and `invalid:`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckedFiles {
    /// Paths of files that belong into the zip.
    pub valid: Vec<String>,
    /// Files that are left out, which is no error.
    pub omitted: Vec<FileError>,
    /// Files that must not be there: one is enough to refuse the whole module.
    pub invalid: Vec<FileError>,
    /// Set if the files, or the archive itself, are too large.
    pub size_error: Option<SizeError>,
}

impl CheckedFiles {
    /// The error that these files amount to, if any: sizes come before names, as in Go's `CheckedFiles.Err`.
    ///
    /// # Errors
    ///
    /// [`ZipError::TooLarge`] and [`ZipError::BadFiles`].
    pub fn into_result(self) -> Result<(), ZipError> {
        if let Some(error) = self.size_error {
            return Err(error.into());
        }
        if !self.invalid.is_empty() {
            return Err(FileErrors(self.invalid).into());
        }
        Ok(())
    }
}

impl fmt::Display for CheckedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("valid:\n")?;
        for path in &self.valid {
            writeln!(f, "{path}")?;
        }
        f.write_str("\nomitted:\n")?;
        for error in &self.omitted {
            writeln!(f, "{error}")?;
        }
        f.write_str("\ninvalid:\n")?;
        for error in &self.invalid {
            writeln!(f, "{error}")?;
        }
        Ok(())
    }
}

/// Sorts the files of a source tree, given in any order, by the rules of module zips (`CheckFiles` of
/// `golang.org/x/mod/zip`).
///
/// `go_mod` is the content of the root `go.mod`, if there is one: its `go` line decides which vendor rule holds.
/// Each path is reported once, with the first fault found: the order of tests is Go's. Note that names are tested
/// before kinds, so a symbolic link is omitted but its name can still spoil the module.
pub fn check_files(files: &[FileEntry], go_mod: Option<&[u8]>) -> CheckedFiles {
    sort_files(files, go_mod).0
}

/// As [`check_files`], with the indices of the valid files.
pub(super) fn sort_files(files: &[FileEntry], go_mod: Option<&[u8]>) -> (CheckedFiles, Vec<usize>) {
    let has_go_mod = files
        .iter()
        .any(|file| file.kind == FileKind::Regular && file.path == b"go.mod");
    let rules = TreeRules {
        vendor: go_mod
            .filter(|_| has_go_mod)
            .map_or(VendorRule::Historical, vendor_rule),
        submodules: submodules(files),
    };
    let mut collisions = Collisions::new(ZipLimits::default().name_bytes);
    let mut reported = HashSet::new();
    let mut checked = CheckedFiles::default();
    let mut valid = Vec::new();
    let mut left = MAX_ZIP_FILE;
    for (index, file) in files.iter().enumerate() {
        let outcome = rules.check(file, &mut collisions).and_then(|path| {
            match left.checked_sub(file.size) {
                Some(rest) => left = rest,
                None => checked.size_error = Some(SizeError::SourceTree),
            }
            check_size(path, file.size).map_err(Outcome::Invalid)?;
            Ok(path)
        });
        match outcome {
            Ok(path) => {
                checked.valid.push(path.to_owned());
                valid.push(index);
            }
            Err(_) if !reported.insert(file.path.as_slice()) => {}
            Err(Outcome::Omitted(problem)) => {
                checked.omitted.push(FileError::new(file.path.clone(), problem));
            }
            Err(Outcome::Invalid(problem)) => {
                checked.invalid.push(FileError::new(file.path.clone(), problem));
            }
        }
    }
    (checked, valid)
}

/// The vendor rule of a module with this `go.mod`.
pub(super) fn vendor_rule(go_mod: &[u8]) -> VendorRule {
    // A file that does not parse counts as one without a go line: Go builds the zip all the same.
    let version = ModFile::parse_lax("go.mod", go_mod).ok().and_then(|file| file.go);
    version.map_or(VendorRule::Historical, |version| {
        VendorRule::of_go_version(&format!("go{version}"))
    })
}

/// Refuses a root `go.mod` or `LICENSE` that is too large.
pub(super) fn check_size(path: &str, size: u64) -> Result<(), FileProblem> {
    match path {
        "go.mod" if size > MAX_GO_MOD => Err(FileProblem::GoModTooLarge),
        "LICENSE" if size > MAX_LICENSE => Err(FileProblem::LicenseTooLarge),
        _ => Ok(()),
    }
}

enum Outcome {
    Omitted(FileProblem),
    Invalid(FileProblem),
}

/// What the tree as a whole says about each of its files.
struct TreeRules<'a> {
    vendor: VendorRule,
    /// Directories, with a slash at the end, that are modules of their own.
    submodules: HashSet<&'a [u8]>,
}

impl TreeRules<'_> {
    /// Go's tests but for sizes, in Go's order.
    fn check<'f>(&self, file: &'f FileEntry, collisions: &mut Collisions) -> Result<&'f str, Outcome> {
        let path = file.path.as_slice();
        if !is_clean(path) {
            return Err(Outcome::Invalid(FileProblem::NotClean));
        }
        if path.starts_with(b"/") {
            return Err(Outcome::Invalid(FileProblem::NotRelative));
        }
        if is_vendored(path, self.vendor) {
            return Err(Outcome::Omitted(FileProblem::Vendored));
        }
        if parents(path).any(|parent| self.submodules.contains(parent)) {
            return Err(Outcome::Omitted(FileProblem::InSubmodule));
        }
        if path == b".hg_archival.txt" {
            return Err(Outcome::Omitted(FileProblem::HgArchival));
        }
        let path = PathKind::File
            .check(path)
            .map_err(|reason| Outcome::Invalid(reason.into()))?;
        if path.eq_ignore_ascii_case("go.mod") && path != "go.mod" {
            return Err(Outcome::Invalid(FileProblem::GoModCase));
        }
        collisions
            .check(path, file.kind == FileKind::Directory)
            .map_err(|collision| {
                Outcome::Invalid(match collision {
                    Collision::Found(problem) => problem,
                    Collision::OverBudget => FileProblem::TooManyNames,
                })
            })?;
        match file.kind {
            FileKind::Regular => Ok(path),
            FileKind::Symlink => Err(Outcome::Omitted(FileProblem::Symlink)),
            FileKind::Directory | FileKind::Irregular => Err(Outcome::Omitted(FileProblem::NotRegular)),
        }
    }
}

/// Directories that hold a regular `go.mod`, in any case. The root is among them as the empty path.
fn submodules(files: &[FileEntry]) -> HashSet<&[u8]> {
    files
        .iter()
        .filter(|file| file.kind == FileKind::Regular)
        .filter_map(|file| {
            let base = file.path.rsplit(|&b| b == b'/').next().unwrap_or_default();
            base.eq_ignore_ascii_case(b"go.mod")
                .then(|| &file.path[..file.path.len() - base.len()])
        })
        .collect()
}

/// The directories above a path, innermost first, each with its slash, without the root.
fn parents(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    (0..path.len())
        .rev()
        .filter(|&i| path[i] == b'/')
        .map(|i| &path[..=i])
}

/// Whether `path.Clean` of Go would leave a path as it is.
pub(super) fn is_clean(path: &[u8]) -> bool {
    if path == b"." || path == b"/" {
        return true;
    }
    let (rooted, rest) = path.strip_prefix(b"/").map_or((false, path), |rest| (true, rest));
    let mut leading_parents = !rooted;
    rest.split(|&b| b == b'/').all(|element| match element {
        b"" | b"." => false,
        b".." => leading_parents,
        _ => {
            leading_parents = false;
            true
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_paths() {
        for path in [
            ".", "/", "a", "a/b", "/a", "..", "../a", "../../a", "...", "a/...",
        ] {
            assert!(is_clean(path.as_bytes()), "{path}");
        }
        for path in [
            "", "./a", "a/", "a//b", "a/.", "a/..", "/..", "/../a", "a/../b", "../a/..", "//",
        ] {
            assert!(!is_clean(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn parents_go_from_inside_out() {
        assert_eq!(parents(b"a/b/c").collect::<Vec<_>>(), [&b"a/b/"[..], b"a/"]);
        assert_eq!(parents(b"a").count(), 0);
    }

    #[test]
    fn a_deep_tree_of_names_is_bounded() {
        let path = "a/".repeat(40_000) + "a";
        let checked = check_files(&[FileEntry::regular(path, 1)], None);
        assert_eq!(checked.invalid[0].problem, FileProblem::TooManyNames);
    }
}
