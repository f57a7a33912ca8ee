//! What reading has come to so far.

use crate::{given::Given, record::Record, tables::Tables};

/// What the reader and each occurrence of a table share: what they read from, and what they have found.
#[derive(Debug)]
pub(crate) struct ReadState<'a> {
    pub(crate) given: &'a Given,
    pub(crate) tables: Tables,
    pub(crate) record: Record,
    pub(crate) faults: Vec<String>,
}
