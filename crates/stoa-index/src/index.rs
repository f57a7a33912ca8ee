//! The port to what keeps an index.

use std::fmt;

use async_trait::async_trait;
use stoa_module::ModuleVersion;

use crate::{
    EntryFilter, IndexEntry, IndexError, IndexEvent, Listed, ModuleTotals, Timestamp, Totals, UseCursor,
};

/// The most events that a batch has.
pub const MAX_BATCH: usize = 1_000;

/// The most that a page has. Whoever wants more gets this much.
pub const MAX_PAGE: usize = 5_000;

/// A rebuild of an index from the files that are stored. Later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rebuild(pub(crate) i64);

/// What says of stored modules what a listing of them cannot. Several nodes may use one index at the same time.
///
/// It is a help and no truth: it can be rebuilt from the files at any time, and a request does without one that fails.
///
/// # Contract
/// * A batch of events is recorded as a whole or not at all, and a call that has returned has recorded it. The same batch again
///   changes nothing. A call that failed for want of an answer may have recorded it.
/// * What one call has recorded, every later call sees, on every node.
/// * Pages have a fixed order, and go on after the last item of the page before: what is there all the time is seen exactly
///   once, whatever comes and goes meanwhile. A page has at most [`MAX_PAGE`] items, and with a limit of zero none.
/// * Every call ends in bounded time, also if nothing answers.
///
/// The suite in [`conformance`](crate::conformance) holds an adapter to this.
#[async_trait]
pub trait Index: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// Records what happened, in this order and in one transaction: at most [`MAX_BATCH`] events.
    async fn record(&self, events: &[IndexEvent]) -> Result<(), IndexError>;

    /// Versions in the order in which they came, from that of the moment `since` on.
    ///
    /// A version is listed from the moment on when its `.info` or its `.zip` is stored, as either shows that somebody wanted
    /// this version of the module. A version of which only the `.mod` is stored was merely looked at, to choose the versions
    /// of a build; thousands of those say nothing to a reader.
    ///
    /// Moments are those of commits: each is greater than all that were there before, on all nodes, so that a reader who goes
    /// on at the moment of the last version that he has seen misses none, and sees that one again.
    async fn since(&self, since: Timestamp, limit: usize) -> Result<Vec<Listed>, IndexError>;

    /// Versions by the text of the module, then by that of the version.
    async fn catalog(
        &self,
        after: Option<&ModuleVersion>,
        limit: usize,
    ) -> Result<Vec<ModuleVersion>, IndexError>;

    /// What it says of one version.
    async fn get(&self, target: &ModuleVersion) -> Result<Option<IndexEntry>, IndexError>;

    /// What it says of versions, in the order of [`catalog`](Self::catalog).
    async fn entries(
        &self,
        filter: &EntryFilter,
        after: Option<&ModuleVersion>,
        limit: usize,
    ) -> Result<Vec<IndexEntry>, IndexError>;

    /// What it says of versions, the least recently used first ([`UseCursor`]).
    async fn by_use(&self, after: Option<&UseCursor>, limit: usize) -> Result<Vec<IndexEntry>, IndexError>;

    /// Modules whose paths begin with `prefix`, by the text of the path.
    async fn modules(
        &self,
        prefix: &str,
        after: Option<&stoa_module::ModulePath>,
        limit: usize,
    ) -> Result<Vec<ModuleTotals>, IndexError>;

    /// How much there is. It costs the same whatever there is.
    async fn totals(&self) -> Result<Totals, IndexError>;

    /// Begins a rebuild. Until one ends, the index is not complete.
    async fn begin_rebuild(&self) -> Result<Rebuild, IndexError>;

    /// Ends a rebuild that has recorded every stored file as found: removes what nothing was recorded of since it began, and
    /// marks the index as complete. It does a bounded part at a time, and if it fails halfway, it can be asked for again.
    async fn end_rebuild(&self, rebuild: Rebuild) -> Result<(), IndexError>;

    /// Whether a rebuild has ended, and none has begun since.
    async fn is_complete(&self) -> Result<bool, IndexError>;

    /// Whether it can be used at all: one small read, which costs the same whatever there is.
    async fn check(&self) -> Result<(), IndexError>;

    /// Ends what it has under way, and gives back its connections and threads. Later calls fail.
    async fn close(&self);
}
