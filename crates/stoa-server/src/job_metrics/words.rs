//! Labels of which there are not too many.

use std::collections::HashSet;

use parking_lot::Mutex;

/// What a word is called that comes too late.
const OTHER: &str = "other";

/// Lets the first so many words through, and calls all others `other`.
#[derive(Debug)]
pub(super) struct Words {
    limit: usize,
    known: Mutex<HashSet<String>>,
}

impl Words {
    /// At most `limit` words, and `other`.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            known: Mutex::default(),
        }
    }

    /// The word, or `other`.
    pub(super) fn bounded(&self, word: &str) -> String {
        let mut known = self.known.lock();
        let is_known = known.contains(word);
        if !is_known && known.len() >= self.limit {
            return OTHER.to_owned();
        }
        if !is_known {
            known.insert(word.to_owned());
        }
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_beyond_the_limit_are_one() {
        let words = Words::new(2);
        let called = ["a", "b", "c", "a", "d"].map(|word| words.bounded(word));
        assert_eq!(called, ["a", "b", "other", "a", "other"]);
    }
}
