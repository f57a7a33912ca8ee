//! What a check of an arriving zip keeps.

use crate::ModuleVersion;
use crate::dirhash::Hash1;
use crate::zip::content::{Content, Digest};
use crate::zip::error::ZipError;
use crate::zip::limits::ZipLimits;
use crate::zip::names::EntryRules;
use crate::zip::record::{CentralHeader, DirectoryEnd, LocalHeader, RecordError};

/// Checks a module zip while its bytes arrive, in pieces of any length, without keeping them.
///
/// Contents are inflated, hashed and forgotten; what is kept are names and 60 bytes for each entry, within
/// [`ZipLimits`]. Limits hold at every moment: a zip bomb ends at the first byte too many.
///
/// # Security
///
/// What a zip holds is what its central directory says, which comes last. Whatever the local headers said before
/// must therefore be confirmed by it: the same entries in the same order, with no byte between, before or after
/// them, the same names, methods, sizes and checksums, and an end record that no reader can mistake for another.
/// If anything differs, however harmless, the verdict is [`NeedsSeek`](super::StreamVerdict::NeedsSeek) and the zip is
/// read as Go's `archive/zip` reads it. A zip is never accepted by its local headers alone.
///
/// The same verdict follows for entries whose end only the directory tells (stored contents of unknown length) and for
/// compression other than deflate. Damage, truncation and broken limits are errors as soon as they are seen, even
/// where they concern bytes that the directory might not have mentioned.
pub struct StreamChecker {
    pub(super) limits: ZipLimits,
    pub(super) rules: EntryRules,
    pub(super) content: Content,
    /// Names and hashes of the entries so far, in their order.
    pub(super) hash: Hash1,
    /// The name of the entry whose content arrives.
    pub(super) name: Vec<u8>,
    pub(super) entries: Vec<CentralHeader>,
    pub(super) go_mod: Option<[u8; 32]>,
    pub(super) uncompressed: u64,
    pub(super) received: u64,
    pub(super) state: State,
    /// The start of the record that is being gathered.
    pub(super) record: Vec<u8>,
    /// Where that record, or the current content, is in the file.
    pub(super) offset: u64,
    pub(super) directory: Directory,
}

/// What the checker expects next.
pub(super) enum State {
    /// A record, as soon as this many of its bytes are gathered.
    Record { wanted: usize },
    /// The content of an entry.
    Content(Current),
    /// The data descriptor of an entry, and some bytes more.
    Descriptor(Current, Digest),
    /// Nothing: the end record was complete.
    End,
    /// Somewhere the zip was not what it has to be for this check.
    NeedsSeek,
    /// An error was returned.
    Failed,
}

/// The entry whose content arrives.
#[derive(Clone, Copy)]
pub(super) struct Current {
    pub(super) header: LocalHeader,
    pub(super) offset: u64,
    /// Bytes of compressed content to come, where the header knows.
    pub(super) left: Option<u64>,
}

/// Why the check ends before the zip does.
pub(super) enum Stop {
    /// The zip is not what it has to be for this check.
    NotPlain,
    /// The zip is refused.
    Refused(ZipError),
}

impl From<RecordError> for Stop {
    fn from(_: RecordError) -> Self {
        Self::NotPlain
    }
}

impl From<ZipError> for Stop {
    fn from(error: ZipError) -> Self {
        Self::Refused(error)
    }
}

/// How much of the directory was seen.
#[derive(Default)]
pub(super) struct Directory {
    /// Entries that were confirmed.
    pub(super) entries: usize,
    /// Where the first record behind the entries is.
    pub(super) start: Option<u64>,
    /// The zip64 end record, and where it is.
    pub(super) end64: Option<(DirectoryEnd, u64)>,
    /// Whether the locator of that record was seen.
    pub(super) located: bool,
}

impl StreamChecker {
    /// A check of a zip of `target`, of which nothing has arrived.
    pub fn new(target: &ModuleVersion, limits: ZipLimits) -> Self {
        Self {
            rules: EntryRules::new(target, &limits),
            limits,
            content: Content::new(),
            hash: Hash1::new(),
            name: Vec::new(),
            entries: Vec::new(),
            go_mod: None,
            uncompressed: 0,
            received: 0,
            state: State::Record { wanted: 4 },
            record: Vec::new(),
            offset: 0,
            directory: Directory::default(),
        }
    }

    /// Ends the check in a state that needs no memory.
    pub(super) fn give_up(&mut self, state: State) {
        self.state = state;
        self.hash = Hash1::new();
        self.entries = Vec::new();
        self.record = Vec::new();
        self.name = Vec::new();
        self.rules.forget();
    }
}
