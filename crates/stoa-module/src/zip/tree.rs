//! A source tree on disk, listed as Go lists it.

use std::collections::HashSet;

use super::problem::{FileError, FileProblem};
use super::rules::{CheckedFiles, FileEntry, FileKind, check_files, vendor_rule};
use super::vendored::{VendorRule, is_vendored};

/// The files of a directory that [`check_files`] and [`create`](super::create) should see, and what the walk left
/// out before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeListing {
    /// Regular files, in the order of a walk: siblings by name, directories where their name puts them.
    pub files: Vec<FileEntry>,
    /// Directories and files that were left out.
    pub omitted: Vec<FileError>,
}

/// Lists a directory tree as `CreateFromDir` of `golang.org/x/mod/zip` does (`listFilesInDir`).
///
/// `files` are the files of the tree in any order; directories are implied and need not be listed. Beyond what
/// [`check_files`] omits, this drops `.git`, `.hg`, `.svn` and `.bzr` directories, directories with a `go.mod` of
/// exactly this spelling (a link, too), and whatever is not a regular file, whose name is then never looked at.
/// A module that is built from an archive of a repository is *not* filtered this way: `.git` directories that are
/// committed stay.
pub fn list_tree(files: &[FileEntry], go_mod: Option<&[u8]>) -> TreeListing {
    let vendor = go_mod.map_or(VendorRule::Historical, vendor_rule);
    let submodules: HashSet<&[u8]> = files
        .iter()
        .filter(|file| file.kind != FileKind::Directory)
        .filter_map(|file| file.path.strip_suffix(b"/go.mod"))
        .collect();
    let mut sorted: Vec<&FileEntry> = files.iter().collect();
    sorted.sort_by(|a, b| a.path.split(|&b| b == b'/').cmp(b.path.split(|&b| b == b'/')));

    let mut listing = TreeListing::default();
    let mut visited: HashSet<&[u8]> = HashSet::new();
    let mut skipped: HashSet<&[u8]> = HashSet::new();
    for file in sorted {
        let is_dir = file.kind == FileKind::Directory;
        let slashes = (0..file.path.len()).filter(|&i| file.path[i] == b'/');
        let dirs = slashes
            .map(|i| &file.path[..i])
            .chain(is_dir.then_some(file.path.as_slice()));
        let mut below_skipped = false;
        for dir in dirs {
            if visited.insert(dir)
                && let Some((problem, skip)) = omit_dir(dir, vendor, &submodules)
            {
                listing.omitted.push(FileError::new(dir, problem));
                if skip {
                    skipped.insert(dir);
                }
            }
            below_skipped = skipped.contains(dir);
            if below_skipped {
                break;
            }
        }
        if below_skipped || is_dir {
            continue;
        }
        if is_vendored(&file.path, vendor) {
            listing
                .omitted
                .push(FileError::new(file.path.clone(), FileProblem::Vendored));
        } else if file.kind == FileKind::Regular {
            listing.files.push(file.clone());
        } else {
            listing
                .omitted
                .push(FileError::new(file.path.clone(), FileProblem::NotRegular));
        }
    }
    listing
}

/// Whether a directory is left out, and whether the walk stays out of it.
fn omit_dir(dir: &[u8], vendor: VendorRule, submodules: &HashSet<&[u8]>) -> Option<(FileProblem, bool)> {
    let base = dir.rsplit(|&b| b == b'/').next().unwrap_or_default();
    if is_vendored(dir, vendor) {
        // The walk goes on inside, where each file is found to be vendored again.
        Some((FileProblem::Vendored, false))
    } else if matches!(base, b".bzr" | b".git" | b".hg" | b".svn") {
        Some((FileProblem::VersionControl, true))
    } else if submodules.contains(dir) {
        Some((FileProblem::Submodule, true))
    } else {
        None
    }
}

/// Sorts the files of a directory tree (`CheckDir` of `golang.org/x/mod/zip`, with paths relative to the root).
///
/// An omitted directory is listed itself, and its files are not.
pub fn check_tree(files: &[FileEntry], go_mod: Option<&[u8]>) -> CheckedFiles {
    let listing = list_tree(files, go_mod);
    let mut checked = check_files(&listing.files, go_mod);
    checked.omitted.extend(listing.omitted);
    checked
}
