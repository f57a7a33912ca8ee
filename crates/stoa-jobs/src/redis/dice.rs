//! Randomness that a transaction draws again when it is done again.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use parking_lot::Mutex;

use crate::{JobId, Random, SystemRandom};

/// Randomness that a transaction draws again when it is done again, so that the second time goes as far as the first and from
/// there on.
#[derive(Debug, Default)]
pub(super) struct Dice {
    drawn: Mutex<Drawn>,
    next_bytes: AtomicUsize,
    next_fraction: AtomicUsize,
}

#[derive(Debug, Default)]
struct Drawn {
    bytes: Vec<[u8; 10]>,
    fractions: Vec<f64>,
    ids: HashSet<JobId>,
}

impl Dice {
    /// Begins again.
    pub(super) fn rewind(&self) {
        self.next_bytes.store(0, Ordering::Relaxed);
        self.next_fraction.store(0, Ordering::Relaxed);
    }

    /// Whether the id was drawn here. Nobody else knows it, so that it need not be looked up; the commit checks it.
    pub(super) fn has_drawn(&self, id: &JobId) -> bool {
        self.drawn.lock().ids.contains(id)
    }
}

impl Random for Dice {
    fn bytes(&self) -> [u8; 10] {
        let number = self.next_bytes.fetch_add(1, Ordering::Relaxed);
        let mut drawn = self.drawn.lock();
        while drawn.bytes.len() <= number {
            let bytes = SystemRandom.bytes();
            drawn.bytes.push(bytes);
            drawn.ids.extend(JobId::of_bytes(bytes));
        }
        drawn.bytes[number]
    }

    fn fraction(&self) -> f64 {
        let number = self.next_fraction.fetch_add(1, Ordering::Relaxed);
        let mut drawn = self.drawn.lock();
        while drawn.fractions.len() <= number {
            drawn.fractions.push(SystemRandom.fraction());
        }
        drawn.fractions[number]
    }
}
