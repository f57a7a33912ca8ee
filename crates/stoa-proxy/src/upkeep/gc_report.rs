//! What was done to make room.

use std::collections::BTreeMap;

use serde::Serialize;
use stoa_index::IndexEntry;

/// The most versions that a report names.
const NAMED: usize = 1_000;

/// Why a version stays although it is its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// It was used a short while ago.
    Recent,
    /// The configuration names it.
    Listed,
    /// It is private.
    Private,
    /// Upstream does not have it any more.
    Gone,
    /// Upstream cannot be asked whether it still has it.
    Unasked,
    /// Its files cannot be removed now.
    Failed,
}

/// A version that went, or would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GcItem {
    /// The module.
    pub module: String,
    /// The version.
    pub version: String,
    /// The bytes of its files.
    pub bytes: u64,
    /// When it was used last, or came.
    pub used: String,
}

/// What was done to make room, or what would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GcReport {
    /// Nothing was removed.
    pub dry_run: bool,
    /// The bytes of all files before,
    pub bytes_before: u64,
    /// and after.
    pub bytes_after: u64,
    /// How many bytes they may have.
    pub quota: Option<u64>,
    /// How many versions went.
    pub versions: u64,
    /// The first thousand of them, in their order.
    pub removed: Vec<GcItem>,
    /// How many stay although it was their turn, and why.
    pub kept: BTreeMap<Kept, u64>,
    /// Why it ended before its time.
    pub stopped: Option<String>,
}

impl GcReport {
    /// A version goes.
    pub(super) fn remove(&mut self, entry: &IndexEntry) {
        let bytes = entry.files().1;
        self.versions += 1;
        self.bytes_after = self.bytes_after.saturating_sub(bytes);
        if self.removed.len() < NAMED {
            self.removed.push(GcItem {
                module: entry.target.path().to_string(),
                version: entry.target.version().to_string(),
                bytes,
                used: entry.used().to_string(),
            });
        }
    }

    /// A version stays.
    pub(super) fn keep(&mut self, why: Kept) {
        *self.kept.entry(why).or_default() += 1;
    }

    /// Whether there is more than there may be.
    pub fn is_over(&self) -> bool {
        self.quota.is_some_and(|quota| self.bytes_after > quota)
    }
}
