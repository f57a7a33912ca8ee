//! Which requests of a session have been here.

use crate::PeerError;

/// How many numbers of a session are remembered: a request may come after so many later ones of its session.
pub const WINDOW: u64 = 4096;

/// How many bits a word has.
const BITS: u64 = u64::BITS as u64;

/// Which of the last [`WINDOW`] numbers of a session have been here. Everything older counts as if it had been.
pub(crate) struct ReplayWindow {
    /// The largest number that has been here; none has, if it is 0.
    top: u64,
    /// One bit for each number from `top - WINDOW + 1` to `top`, at its remainder by [`WINDOW`].
    seen: Box<[u64; (WINDOW / BITS) as usize]>,
}

impl ReplayWindow {
    /// The window of a session that had no request. Numbers begin with 1.
    pub(crate) fn new() -> Self {
        let seen = Box::new([0; _]);
        Self { top: 0, seen }
    }

    /// Lets a number in, once.
    pub(crate) fn admit(&mut self, number: u64) -> Result<(), PeerError> {
        if number == 0 || self.top.saturating_sub(number) >= WINDOW {
            return Err(PeerError::TooOld);
        }
        if number > self.top {
            self.advance(number);
        }
        let (word, bit) = place(number);
        if self.seen[word] & bit != 0 {
            return Err(PeerError::Replayed);
        }
        self.seen[word] |= bit;
        Ok(())
    }

    /// Forgets the numbers that are too old as soon as `top` is the largest.
    fn advance(&mut self, top: u64) {
        if top - self.top >= WINDOW {
            self.seen.fill(0);
        } else {
            for number in self.top + 1..=top {
                let (word, bit) = place(number);
                self.seen[word] &= !bit;
            }
        }
        self.top = top;
    }
}

/// Where the bit of a number is.
fn place(number: u64) -> (usize, u64) {
    let at = number % WINDOW;
    let word = usize::try_from(at / BITS).unwrap_or_default();
    (word, 1 << (at % BITS))
}

#[cfg(test)]
mod tests;
