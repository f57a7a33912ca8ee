//! The files of a commit, as `git ls-tree` lists them.

use std::collections::HashSet;
use std::io::{self, BufRead, Read as _};

use super::index_path;
use crate::{ContentId, EntryKind};

/// The most files of an archive: a small repository can list any number of them.
pub(super) const MOST: u64 = 1_000_000;

/// The most bytes that a tar file has for a file besides its content, long names included.
pub(super) const OVERHEAD: u64 = 8 << 10;

/// The longest line, in bytes: no index and no zip takes a path that is nearly as long.
const LONGEST_LINE: u64 = 1 << 20;

/// The most bytes of paths that are kept.
const MOST_BYTES: usize = 64 << 20;

/// A file of a tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ListedFile {
    pub(super) path: Vec<u8>,
    pub(super) kind: EntryKind,
    pub(super) id: ContentId,
    /// The length of its content, if the caller has the content.
    pub(super) known: Option<u64>,
}

/// The files of a folder of a commit.
#[derive(Debug, Default)]
pub(super) struct FileList {
    /// The folder, with a slash behind it if it is not the root.
    folder: Vec<u8>,
    /// Files and links, by their paths in the folder, in the order of the list, which is that of `git archive`.
    pub(super) files: Vec<ListedFile>,
    /// The contents that say how others are to be converted, of the folder and of those above it.
    attributes: HashSet<String>,
    /// Whether the list is what `git archive` would give, with the contents as they are stored. If it is not, something is
    /// to be converted, or the trees are not in order.
    pub(super) is_plain: bool,
    bytes: usize,
    last: Vec<u8>,
}

/// Why there is no list.
#[derive(Debug)]
pub(super) enum ListError {
    /// Git takes no such tree; the text says why.
    Malformed(String),
    /// The paths are more than is kept.
    TooLarge(u64),
    /// The list could not be read.
    Io(io::Error),
}

impl FileList {
    /// Reads what `git ls-tree -r -z` prints of the tree of a commit, and keeps what is in a folder. The rest is only held
    /// against the rules of git: `git archive` gives nothing of a commit that breaks them anywhere.
    pub(super) fn read(mut from: impl BufRead, folder: &str) -> Result<Self, ListError> {
        let mut list = Self {
            folder: folder.as_bytes().to_vec(),
            is_plain: true,
            ..Self::default()
        };
        if !folder.is_empty() {
            list.folder.push(b'/');
        }
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = from.by_ref().take(LONGEST_LINE).read_until(0, &mut line);
            if read.map_err(ListError::Io)? == 0 {
                return Ok(list);
            }
            match line.pop() {
                Some(0) => list.add(&line)?,
                _ => return Err(ListError::Malformed("the path of a file is too long".to_owned())),
            }
        }
    }

    fn add(&mut self, line: &[u8]) -> Result<(), ListError> {
        let odd = || {
            ListError::Io(io::Error::other(format!(
                "ls-tree said \"{}\"",
                line.escape_ascii()
            )))
        };
        let tab = line.iter().position(|byte| *byte == b'\t').ok_or_else(odd)?;
        let (words, path) = (
            std::str::from_utf8(&line[..tab]).map_err(|_| odd())?,
            &line[tab + 1..],
        );
        let mut words = words.split(' ');
        let (Some(mode), Some(_), Some(id)) = (words.next(), words.next(), words.next()) else {
            return Err(odd());
        };
        let kind = match mode {
            "100644" | "100755" => Some(EntryKind::File),
            "120000" => Some(EntryKind::Symlink),
            // A submodule: an empty folder.
            "160000" => None,
            _ => return Err(odd()),
        };
        if !index_path::is_valid(path, kind == Some(EntryKind::Symlink)) {
            let path = path.escape_ascii();
            return Err(ListError::Malformed(format!("invalid path \"{path}\"")));
        }
        self.is_plain &= self.last.as_slice() < path || self.last.is_empty();
        path.clone_into(&mut self.last);
        self.look_for_attributes(path, id);
        let (Some(kind), Some(path)) = (kind, path.strip_prefix(self.folder.as_slice())) else {
            return Ok(());
        };
        if !index_path::fits_zip(&self.last) {
            return Err(ListError::Malformed("the path of a file is too long".to_owned()));
        }
        self.bytes += path.len();
        if self.bytes > MOST_BYTES || self.files.len() as u64 >= MOST {
            return Err(ListError::TooLarge(MOST_BYTES as u64));
        }
        self.files.push(ListedFile {
            path: path.to_vec(),
            kind,
            id: ContentId::parse_hex(id).ok_or_else(odd)?,
            known: None,
        });
        Ok(())
    }

    /// Notes a file that may say how others in the folder are to be converted: it is in the folder or above it.
    fn look_for_attributes(&mut self, path: &[u8], id: &str) {
        let start = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
        let (place, name) = path.split_at(start);
        // Git compares with case. Comparing without costs time for other spellings, and nothing else.
        if name.eq_ignore_ascii_case(b".gitattributes")
            && (place.starts_with(&self.folder) || self.folder.starts_with(place))
        {
            self.is_plain = false;
            self.attributes.insert(id.to_owned());
        }
    }

    /// The hashes of all contents that `git archive` reads.
    pub(super) fn ids(&self) -> HashSet<String> {
        let files = self.files.iter().map(|file| file.id.to_string());
        self.attributes.iter().cloned().chain(files).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(entries: &[(&str, &str)], folder: &str) -> Result<FileList, ListError> {
        let id = "ab".repeat(20);
        let line = |(mode, path): &(&str, &str)| format!("{mode} blob {id}\t{path}\0");
        let printed: String = entries.iter().map(line).collect();
        FileList::read(printed.as_bytes(), folder)
    }

    fn is_plain(entries: &[(&str, &str)], folder: &str) -> bool {
        list(entries, folder).expect("good paths").is_plain
    }

    #[test]
    fn lists_files_and_links_and_nothing_else() {
        let entries = [
            ("100644", "a\tb\nc"),
            ("100755", "d/e"),
            ("120000", "d/l"),
            ("160000", "m"),
        ];
        let names = |folder| {
            let list = list(&entries, folder).expect("good paths");
            assert!(list.is_plain);
            let files = list.files.into_iter();
            let names = files.map(|file| (String::from_utf8(file.path).expect("text"), file.kind));
            names.collect::<Vec<_>>()
        };
        let (file, link) = (EntryKind::File, EntryKind::Symlink);
        let all = [("a\tb\nc", file), ("d/e", file), ("d/l", link)];
        assert_eq!(names(""), all.map(|(name, kind)| (name.to_owned(), kind)));
        assert_eq!(names("d"), [("e".to_owned(), file), ("l".to_owned(), link)]);
        assert_eq!(names("dd"), []);
    }

    #[test]
    fn whatever_is_called_as_attributes_are_is_left_to_git() {
        for mode in ["100644", "160000"] {
            for path in [".gitattributes", "a/.GitAttributes", "a/b/.gitattributes"] {
                assert!(!is_plain(&[(mode, path)], "a"), "{path}");
            }
            for path in [
                "b/.gitattributes",
                "a.gitattributes",
                "a/.gitattributes/x",
                "aa/.gitattributes",
            ] {
                assert!(is_plain(&[(mode, path)], "a"), "{path}");
            }
        }
        let of = list(&[("100644", ".gitattributes"), ("100644", "b/x")], "a").expect("good paths");
        assert_eq!((of.files.len(), of.ids().len()), (0, 1));
    }

    #[test]
    fn what_is_not_in_order_is_left_to_git() {
        assert!(!is_plain(&[("100644", "b"), ("100644", "a")], ""));
        assert!(!is_plain(&[("100644", "a"), ("100644", "a")], ""));
        assert!(is_plain(&[("100644", "a"), ("100644", "a/b")], ""));
    }

    #[test]
    fn paths_are_checked_everywhere() {
        for path in [".git", "b/.git/x", "../x"] {
            let error = list(&[("100644", path)], "a").expect_err("a bad path");
            assert!(
                matches!(error, ListError::Malformed(said) if said.contains(path)),
                "{path}"
            );
        }
        let long = "l".repeat(66_000);
        assert!(list(&[("100644", &long)], "").is_err());
        assert!(list(&[("100644", &long)], "a").is_ok(), "it is not in the zip");
        assert!(list(&[("100600", "a")], "").is_err(), "an unknown mode");
    }

    proptest! {
        #[test]
        fn takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = FileList::read(bytes.as_slice(), "a");
        }
    }
}
