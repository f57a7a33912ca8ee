//! The head that was seen last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::tlog::TreeHead;

/// A head and the note it was signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// The head.
    pub head: TreeHead,
    /// The note, as the database sent it. Empty for the log without records, with which every client starts.
    pub note: Arc<[u8]>,
}

#[derive(Debug)]
struct State {
    known: SignedHead,
    /// Whether what was stored by earlier clients is included.
    is_loaded: bool,
}

/// The newest head of a client, which only ever moves forward.
#[derive(Debug)]
pub(super) struct Latest(Mutex<State>);

impl Latest {
    /// No head yet.
    pub(super) fn new() -> Self {
        Self(Mutex::new(State {
            known: SignedHead {
                head: TreeHead::EMPTY,
                note: Arc::default(),
            },
            is_loaded: false,
        }))
    }

    pub(super) fn get(&self) -> SignedHead {
        self.lock().known.clone()
    }

    /// Moves on to `new` if the head is still `old`.
    pub(super) fn advance(&self, old: &TreeHead, new: SignedHead) -> bool {
        let mut state = self.lock();
        let is_same = state.known.head == *old;
        if is_same {
            state.known = new;
        }
        is_same
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.lock().is_loaded
    }

    pub(super) fn set_loaded(&self) {
        self.lock().is_loaded = true;
    }

    /// No code that can panic holds the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
