//! A compressed content of a zip that is being made.

use std::sync::Arc;

use stoa_module::zip::Member;

use crate::{contents::Compressed, spool::Extent};

/// A compressed content and where it is.
pub(crate) struct Packed {
    pub(crate) member: Member,
    pub(crate) place: Place,
}

/// Where a compressed content is.
pub(crate) enum Place {
    /// In the spool.
    Spooled(Extent),
    /// In the spool, compressed in pieces.
    Pieces(Vec<Extent>),
    /// An earlier zip has it, too.
    Held(Arc<Compressed>),
}
