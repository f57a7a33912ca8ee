//! The use of a copy.

use std::io::{self, Read};
use std::ops::Deref;
use std::sync::Arc;

use super::Folder;
use super::state::CopyState;
use crate::cache::Lease;

/// The use of a copy: as long as it is held, the copy stays.
#[derive(Debug)]
pub(crate) struct Reading {
    // Fields drop in order: this one goes first.
    folder: Arc<Folder>,
    /// Keeps what is known of the copy, for a handle that is opened while this one reads.
    _state: Arc<CopyState>,
    _lease: Arc<Lease>,
}

impl Reading {
    pub(super) fn new(folder: Arc<Folder>, state: Arc<CopyState>, lease: Arc<Lease>) -> Self {
        Self {
            folder,
            _state: state,
            _lease: lease,
        }
    }

    /// A reader of a program that reads the copy.
    pub(crate) fn hold<R: Read>(self, reader: R) -> impl Read + use<R> {
        Held {
            reader,
            _reading: self,
        }
    }
}

impl Deref for Reading {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.folder
    }
}

struct Held<R> {
    // Fields drop in order: this one goes first.
    reader: R,
    _reading: Reading,
}

impl<R: Read> Read for Held<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}
