//! Memory for what has been read and not been sent.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use tokio::sync::Notify;

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
    /// Told when there is room after something was dropped.
    freed: Notify,
}

/// The size of the pieces of one body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PieceSize(u64);

/// Memory that is counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Reserved {
    bytes: u64,
    ahead: Arc<ReadAhead>,
}

/// Bytes that are counted as long as any copy of them lives.
struct Counted {
    bytes: Bytes,
    _reserved: Reserved,
}

impl ReadAhead {
    /// Room for `capacity` bytes.
    pub(crate) fn new(capacity: u64) -> Self {
        Self {
            capacity,
            used: AtomicU64::new(0),
            freed: Notify::new(),
        }
    }

    /// Whether there is room for so many bytes more.
    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        self.used.load(Ordering::Relaxed).saturating_add(bytes) <= self.capacity
    }

    /// Waits until something was dropped and there is room again. One of those that wait is told each time.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }

    fn free(&self, bytes: u64) {
        let before = self.used.fetch_sub(bytes, Ordering::Relaxed);
        if before.saturating_sub(bytes).saturating_add(SMALL_PIECE) <= self.capacity {
            self.freed.notify_one();
        }
    }

    /// Counts so many bytes, if there is room for them. They are counted before they are read: of a thousand that look for
    /// room at the same time, not all would find it afterwards.
    pub(crate) fn reserve(self: &Arc<Self>, bytes: u64) -> Option<Reserved> {
        let more = |used: u64| used.checked_add(bytes).filter(|used| *used <= self.capacity);
        let reserved = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        reserved.ok().map(|_| self.counted(bytes))
    }

    /// Counts so many bytes, whether there is room or not.
    fn exceed(self: &Arc<Self>, bytes: u64) -> Reserved {
        self.used.fetch_add(bytes, Ordering::Relaxed);
        self.counted(bytes)
    }

    fn counted(self: &Arc<Self>, bytes: u64) -> Reserved {
        Reserved {
            bytes,
            ahead: Arc::clone(self),
        }
    }
}

impl PieceSize {
    /// That of the first piece.
    pub(crate) fn first() -> Self {
        Self(SMALL_PIECE)
    }

    /// Room for the next piece, of at most `most` bytes. The piece after it may be twice as large.
    pub(crate) fn next(&mut self, ahead: &Arc<ReadAhead>, most: u64) -> Reserved {
        let wanted = self.0;
        self.0 = (2 * wanted).min(LARGE_PIECE);
        ahead
            .reserve(wanted.min(most))
            .unwrap_or_else(|| ahead.exceed(SMALL_PIECE.min(most)))
    }

    /// Room for one piece more while one is read; there is none before a first piece was taken, or without room for both.
    pub(crate) fn one_more(&mut self, ahead: &Arc<ReadAhead>, most: u64) -> Option<Reserved> {
        let is_first = self.0 == SMALL_PIECE;
        let reserved = (!is_first && ahead.has_room(2 * self.0)).then(|| ahead.reserve(self.0.min(most)))?;
        self.0 = (2 * self.0).min(LARGE_PIECE);
        reserved
    }
}

impl Reserved {
    /// How many bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Puts bytes into this memory, of which they need no more than was reserved.
    pub(crate) fn hold(mut self, bytes: Bytes) -> Bytes {
        let spare = self.bytes.saturating_sub(bytes.len() as u64);
        self.bytes -= spare;
        if spare > 0 {
            self.ahead.free(spare);
        }
        Bytes::from_owner(Counted {
            bytes,
            _reserved: self,
        })
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.ahead.free(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: u64 = u64::MAX;

    #[test]
    fn bytes_count_until_their_last_copy_is_gone() {
        let ahead = Arc::new(ReadAhead::new(100));
        let reserved = ahead.reserve(60).expect("room");
        assert!(ahead.reserve(41).is_none());
        let held = reserved.hold(Bytes::from_static(b"0123456789"));
        let part = held.slice(2..4);
        drop(held);
        assert!(!ahead.has_room(91));
        assert_eq!(part, "23");
        drop(part);
        assert!(ahead.has_room(100));
        assert!(!ahead.has_room(101));
        drop(ahead.reserve(100).expect("room"));
        assert!(ahead.has_room(100), "what was not used is free again");
    }

    #[test]
    fn pieces_grow_with_each_one_that_is_taken_and_stay_small_without_room() {
        let ahead = Arc::new(ReadAhead::new(1 << 20));
        let mut size = PieceSize::first();
        assert!(
            size.one_more(&ahead, ANY).is_none(),
            "the first piece is read alone"
        );
        let sizes: Vec<_> = (0..5).map(|_| size.next(&ahead, ANY).bytes() >> 10).collect();
        assert_eq!(sizes, [16, 32, 64, 128, 128]);
        let more = size.one_more(&ahead, ANY).map(|reserved| reserved.bytes());
        assert_eq!(more, Some(LARGE_PIECE));
        assert_eq!(size.next(&ahead, 100).bytes(), 100, "no more than is asked for");
        let _full = ahead.reserve(1 << 20).expect("room for all");
        assert!(size.one_more(&ahead, ANY).is_none());
        assert_eq!(size.next(&ahead, ANY).bytes(), SMALL_PIECE);
        assert_eq!(size.next(&ahead, 5).bytes(), 5);
    }
}
