//! What the end of a rebuild looks through, a page at a time.

use stoa_module::ModuleVersion;

use crate::{MAX_BATCH, Rebuild};

/// How many versions are looked at at a time.
pub(crate) const SWEEP: usize = MAX_BATCH;

/// Of a page of versions and of the rebuilds that had begun when something was recorded of them: which are to go, and after
/// which one the next page begins, if there is one.
pub(crate) fn stale(
    page: Vec<(ModuleVersion, i64)>,
    rebuild: Rebuild,
) -> (Vec<ModuleVersion>, Option<ModuleVersion>) {
    let last = page.last().map(|(target, _)| target.clone());
    let next = last.filter(|_| page.len() == SWEEP);
    let stale = page.into_iter().filter(|(_, generation)| *generation < rebuild.0);
    (stale.map(|(target, _)| target).collect(), next)
}
