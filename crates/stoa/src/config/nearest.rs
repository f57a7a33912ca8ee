//! Which key was meant.

use super::keys::KEYS;

/// The key that differs from `name` in few letters, if there is one.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let distances = KEYS.iter().map(|key| (edits(name, key.name), key.name));
    distances
        .filter(|(edits, _)| *edits <= 3)
        .min()
        .map(|(_, key)| key)
}

/// Levenshtein distance, in bytes.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_key_and_a_stranger_none() {
        assert_eq!(nearest("cache.list_tll"), Some("cache.list_ttl"));
        assert_eq!(nearest("listn"), Some("listen"));
        assert_eq!(nearest("something.else"), None);
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
