//! The list of all parts, the only place that names them.

use super::{administration, cluster, jobs, part::BuildPart, service, upkeep};

/// The parts of `stoa serve`, in the order in which they are built. A new part adds one line.
pub(crate) const PARTS: &[BuildPart<'static>] = &[
    &administration::build,
    &upkeep::build,
    &jobs::build,
    &cluster::build,
    &service::build,
];
