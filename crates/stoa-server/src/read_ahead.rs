//! Memory for what has been read and not been sent.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;

/// The first piece of a body, and each one when there is no room for more, in bytes.
pub(crate) const SMALL_PIECE: u64 = 16 << 10;
/// The largest piece, in bytes.
const LARGE_PIECE: u64 = 128 << 10;

/// Counts the bytes that are in memory for clients, all bodies together: what was read of files, and what hot memory keeps.
///
/// A body begins with a small piece, and each piece that its client takes makes the next one larger. So who takes nothing
/// costs little, however many streams he opens. When there is no room, bodies go on in small pieces: none waits for another
/// client to read.
#[derive(Debug)]
pub(crate) struct ReadAhead {
    capacity: u64,
    used: AtomicU64,
}

/// The size of the pieces of one body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PieceSize(u64);

/// Bytes that are counted as long as any copy of them lives.
struct Counted {
    bytes: Bytes,
    ahead: Arc<ReadAhead>,
}

impl ReadAhead {
    /// Room for `capacity` bytes.
    pub(crate) fn new(capacity: u64) -> Self {
        Self {
            capacity,
            used: AtomicU64::new(0),
        }
    }

    /// Whether there is room for so many bytes more.
    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        self.used.load(Ordering::Relaxed).saturating_add(bytes) <= self.capacity
    }

    /// Counts these bytes until the last copy of them is gone.
    pub(crate) fn count(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        self.used.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Bytes::from_owner(Counted {
            bytes,
            ahead: Arc::clone(self),
        })
    }
}

impl PieceSize {
    /// That of the first piece.
    pub(crate) fn first() -> Self {
        Self(SMALL_PIECE)
    }

    /// Whether no piece has been taken yet.
    pub(crate) fn is_first(self) -> bool {
        self.0 == SMALL_PIECE
    }

    /// How much to read next. The piece after it may be twice as large.
    pub(crate) fn next(&mut self, ahead: &ReadAhead) -> u64 {
        let wanted = self.0;
        self.0 = (2 * wanted).min(LARGE_PIECE);
        if ahead.has_room(wanted) {
            wanted
        } else {
            SMALL_PIECE
        }
    }

    /// How many pieces may be read at once.
    pub(crate) fn depth(self, ahead: &ReadAhead) -> usize {
        if !self.is_first() && ahead.has_room(2 * self.0) {
            2
        } else {
            1
        }
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.ahead
            .used
            .fetch_sub(self.bytes.len() as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_count_until_their_last_copy_is_gone() {
        let ahead = Arc::new(ReadAhead::new(100));
        let counted = ahead.count(Bytes::from_static(b"0123456789"));
        let part = counted.slice(2..4);
        drop(counted);
        assert!(!ahead.has_room(91));
        assert_eq!(part, "23");
        drop(part);
        assert!(ahead.has_room(100));
        assert!(!ahead.has_room(101));
    }

    #[test]
    fn pieces_grow_with_each_one_that_is_taken_and_stay_small_without_room() {
        let ahead = Arc::new(ReadAhead::new(1 << 20));
        let mut size = PieceSize::first();
        assert_eq!(size.depth(&ahead), 1, "the first piece is read alone");
        let sizes: Vec<_> = (0..5).map(|_| size.next(&ahead) >> 10).collect();
        assert_eq!(sizes, [16, 32, 64, 128, 128]);
        assert_eq!(size.depth(&ahead), 2);
        let _full = ahead.count(vec![0; 1 << 20].into());
        assert_eq!((size.next(&ahead), size.depth(&ahead)), (SMALL_PIECE, 1));
    }
}
