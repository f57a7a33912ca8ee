//! What the index is told, and how it is made anew.

mod index_notes;
mod noted_uses;
mod recorder;
mod reindex;
mod rounds;

pub use index_notes::{IndexNotes, Source};
pub use noted_uses::NotedUses;
pub use recorder::{IndexMetrics, Recorder};
pub use reindex::{Reindex, ReindexError, ReindexReport};
pub use rounds::{RebuildState, Rebuilds};
