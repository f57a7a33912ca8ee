//! The repository that most checks read.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use super::origin::Origin;
use super::reading::{ArchivedFiles, file, link};
use super::{Change, Scenario};
use crate::RevisionId;

/// When the first commit was made, in seconds since 1970.
pub(super) const FIRST_TIME: u64 = 1_000_000_000;

/// When the second commit was made.
pub(super) const SECOND_TIME: u64 = 1_000_000_120;

/// The regular files of the first commit: names and contents that a system could convert, escape or take for patterns.
const FIRST_FILES: [(&str, &str); 8] = [
    ("go.mod", "module m\n"),
    ("a b.txt", "text $Id$ \r\n"),
    ("a%20b@c d.txt", "p"),
    ("<&>.txt", "<&>"),
    ("é.go", "x"),
    ("sub/s.go", "s\n"),
    ("sub/deep/d.go", "d\n"),
    (GONE, "gone\n"),
];

/// The one that the second commit does not have.
pub(super) const GONE: &str = "gone.go";

/// The one that the first commit does not have.
pub(super) const NEW: &str = "two";

/// Links of the first commit, one out of the repository.
const LINKS: [(&str, &str); 2] = [("link", "go.mod"), ("out", "/etc/passwd")];

/// A name that is no UTF-8, in the second commit of the systems that have such.
const RAW_NAME: &[u8] = b"\xff.txt";

/// Two commits. The tags `v1.0.0` and `sub/v1.1.0` are on the first.
pub(super) struct Sample<'a> {
    pub(super) origin: Origin<'a>,
    pub(super) first: RevisionId,
    pub(super) second: RevisionId,
}

impl<'a> Sample<'a> {
    pub(super) fn new(scenario: &'a dyn Scenario) -> Self {
        let origin = Origin::new(scenario);
        for (name, content) in FIRST_FILES {
            origin.write(name, content);
        }
        for (name, to) in LINKS {
            symlink(to, origin.file(name)).expect("the link is made");
        }
        let first = origin.commit(FIRST_TIME);
        for name in ["v1.0.0", "sub/v1.1.0"] {
            origin.change(Change::Tag { name });
        }
        std::fs::remove_file(origin.file(GONE)).expect("the file is removed");
        origin.write(NEW, "2\n");
        origin.write(&long_name(), "q\n");
        if scenario.abilities().raw_names.is_there() {
            let path = origin.file("").join(OsStr::from_bytes(RAW_NAME));
            std::fs::write(path, "y").expect("the file is written");
        }
        let second = origin.commit(SECOND_TIME);
        Self {
            origin,
            first,
            second,
        }
    }

    /// What an archive of the second commit has, but for what the system itself adds.
    pub(super) fn second_files(&self) -> ArchivedFiles {
        let mut files = first_files();
        files.remove(GONE.as_bytes());
        files.insert(NEW.into(), file("2\n"));
        files.insert(long_name().into_bytes(), file("q\n"));
        if self.origin.scenario.abilities().raw_names.is_there() {
            files.insert(RAW_NAME.to_vec(), file("y"));
        }
        files
    }
}

/// What an archive of the first commit has, but for what the system itself adds.
pub(super) fn first_files() -> ArchivedFiles {
    let files = FIRST_FILES.iter().map(|(name, text)| (*name, file(text)));
    let links = LINKS.iter().map(|(name, to)| (*name, link(to)));
    let all = files.chain(links);
    all.map(|(name, entry)| (name.as_bytes().to_vec(), entry))
        .collect()
}

/// A name that is longer than the fields of a tar header.
fn long_name() -> String {
    format!("{}/{}", "d".repeat(120), "f".repeat(150))
}
