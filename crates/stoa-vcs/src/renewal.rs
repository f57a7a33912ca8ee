//! Something new somewhere.

use std::{sync::Arc, time::Instant};

use parking_lot::Mutex;

/// When somebody last said that a repository has something new: what was learned before is not fresh any more.
///
/// All who have a clone of it share it. It does not say which repository: an answer too many costs one more question.
#[derive(Clone, Debug, Default)]
pub struct Renewal(Arc<Mutex<Option<Instant>>>);

impl Renewal {
    /// There is something new, as of now.
    pub fn renew(&self) {
        *self.0.lock() = Some(Instant::now());
    }

    /// Whether there has been something new since.
    pub(crate) fn is_since(&self, known: Instant) -> bool {
        self.0.lock().is_some_and(|renewed| renewed >= known)
    }
}
