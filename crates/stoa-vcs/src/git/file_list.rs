//! The files of a folder, as `git ls-tree` lists them.

use std::collections::HashSet;

use crate::{ContentId, EntryKind};

/// The most files of an archive: a small repository can list any number of them.
pub(super) const MOST: u64 = 1_000_000;

/// The most bytes that a tar file has for a file besides its content, long names included.
pub(super) const OVERHEAD: u64 = 8 << 10;

/// A file of a tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ListedFile {
    pub(super) path: Vec<u8>,
    pub(super) kind: EntryKind,
    pub(super) id: ContentId,
    /// The length of its content, if the caller has the content.
    pub(super) known: Option<u64>,
}

/// The files that `git ls-tree -r -z` lists, in its order, which is that of `git archive`. `None` if any of them may say
/// how contents are to be converted, or is not understood.
pub(super) fn listed(printed: &[u8]) -> Option<Vec<ListedFile>> {
    let mut files = Vec::new();
    for line in printed.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let (words, path) = (std::str::from_utf8(&line[..tab]).ok()?, &line[tab + 1..]);
        let mut words = words.split(' ');
        let (mode, _, id) = (words.next()?, words.next()?, words.next()?);
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        // Git compares with case. Comparing without costs time for other spellings, and nothing else.
        if name.eq_ignore_ascii_case(b".gitattributes") {
            return None;
        }
        let kind = match mode {
            "100644" | "100755" => EntryKind::File,
            "120000" => EntryKind::Symlink,
            // A submodule: an empty folder.
            "160000" => continue,
            _ => return None,
        };
        files.push(ListedFile {
            path: path.to_vec(),
            kind,
            id: ContentId::parse_hex(id)?,
            known: None,
        });
    }
    Some(files)
}

/// The hashes of all files that `git ls-tree` lists.
pub(super) fn blob_ids(printed: &[u8]) -> HashSet<String> {
    let lines = printed.split(|byte| *byte == 0);
    let words = lines.filter_map(|line| std::str::from_utf8(line.split(|byte| *byte == b'\t').next()?).ok());
    let blobs = words.filter_map(|words| words.split_once(" blob ").map(|(_, id)| id.to_owned()));
    blobs.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn printed(entries: &[(&str, &str)]) -> Vec<u8> {
        let id = "ab".repeat(20);
        let line = |(mode, path): &(&str, &str)| format!("{mode} blob {id}\t{path}\0");
        entries.iter().map(line).collect::<String>().into_bytes()
    }

    #[test]
    fn lists_files_and_links_and_nothing_else() {
        let entries = [
            ("100644", "a\tb\nc"),
            ("100755", "d/e"),
            ("160000", "m"),
            ("120000", "l"),
        ];
        let files = listed(&printed(&entries)).expect("no attributes");
        let files: Vec<_> = files
            .iter()
            .map(|file| (file.path.as_slice(), file.kind))
            .collect();
        assert_eq!(
            files,
            [
                (&b"a\tb\nc"[..], EntryKind::File),
                (b"d/e", EntryKind::File),
                (b"l", EntryKind::Symlink)
            ]
        );
    }

    #[test]
    fn whatever_is_called_as_attributes_are_is_left_to_git() {
        for path in [".gitattributes", "a/b/.gitattributes", ".GitAttributes"] {
            for mode in ["100644", "120000", "160000"] {
                assert_eq!(listed(&printed(&[("100644", "a"), (mode, path)])), None, "{path}");
            }
        }
        assert!(
            listed(&printed(&[
                ("100644", "x.gitattributes"),
                ("100644", ".gitattributes/x")
            ]))
            .is_some()
        );
        assert_eq!(listed(&printed(&[("100600", "a")])), None, "an unknown mode");
    }

    proptest! {
        #[test]
        fn takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = listed(&bytes);
        }
    }
}
