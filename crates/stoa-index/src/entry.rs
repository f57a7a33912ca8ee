//! What an index says.

use stoa_module::{ModulePath, ModuleVersion, dirhash::H1};

use crate::{FileKind, Origin, Timestamp, Verifier};

/// What an index says of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// The version.
    pub target: ModuleVersion,
    /// The bytes of the `.info`, if it is stored.
    pub info: Option<u64>,
    /// The bytes of the `.mod`, if it is stored.
    pub go_mod: Option<u64>,
    /// The bytes of the `.zip`, if it is stored.
    pub zip: Option<u64>,
    /// The hash of the `.mod`, if it is stored and its hash known.
    pub go_mod_h1: Option<H1>,
    /// The hash of the `.zip`, if it is stored and its hash known.
    pub zip_h1: Option<H1>,
    /// Where it came from, if that is known.
    pub origin: Option<Origin>,
    /// What it was verified by, if that is known.
    pub verified_by: Option<Verifier>,
    /// When the first of its files was stored; of a version that a rebuild found, the time of the file that it found first.
    pub first_seen: Timestamp,
    /// Its place in the order of [`Index::since`](crate::Index::since), if it is listed there.
    pub listed: Option<Timestamp>,
    /// When somebody got it last, if anybody did.
    pub last_use: Option<Timestamp>,
}

impl IndexEntry {
    /// The bytes of one of its files, if that is stored.
    pub fn size(&self, kind: FileKind) -> Option<u64> {
        match kind {
            FileKind::Info => self.info,
            FileKind::Mod => self.go_mod,
            FileKind::Zip => self.zip,
        }
    }

    /// How many of its files are stored, and the bytes of all.
    pub fn files(&self) -> (u64, u64) {
        let sizes = FileKind::ALL.into_iter().filter_map(|kind| self.size(kind));
        sizes.fold((0, 0), |(files, bytes), size| (files + 1, bytes + size))
    }

    /// When it was used last or, if it never was, seen first.
    pub fn used(&self) -> Timestamp {
        self.last_use.unwrap_or(self.first_seen)
    }

    /// Where a page goes on after it that has the least recently used ones first.
    pub fn use_cursor(&self) -> UseCursor {
        UseCursor {
            used: self.used(),
            target: self.target.clone(),
        }
    }
}

/// A place in the order of last use: by [`IndexEntry::used`], then by the text of the module and that of the version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseCursor {
    /// When the version there was used last, or seen first.
    pub used: Timestamp,
    /// The version there.
    pub target: ModuleVersion,
}

/// A version in the order in which versions came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The version.
    pub target: ModuleVersion,
    /// Its moment, which no other version has.
    pub at: Timestamp,
}

/// Which versions are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EntryFilter {
    /// All.
    #[default]
    All,
    /// Those of one module.
    Module(ModulePath),
    /// Those of all modules whose paths begin with this text.
    Prefix(String),
}

/// What an index says of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleTotals {
    /// The module.
    pub module: ModulePath,
    /// How many versions of it there are.
    pub versions: u64,
    /// The bytes of all their files.
    pub bytes: u64,
    /// When somebody got a version of it last, if anybody did: also one that is gone meanwhile.
    pub last_use: Option<Timestamp>,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many modules.
    pub modules: u64,
    /// How many versions of them.
    pub versions: u64,
    /// How many files of these.
    pub files: u64,
    /// How many bytes these have.
    pub bytes: u64,
}
