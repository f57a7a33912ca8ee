//! How far apart two names are.

/// How many letters two names differ in, if one may be a slip for the other: three at most, and half of the shorter.
pub(crate) fn slip(a: &str, b: &str) -> Option<usize> {
    let edits = edits(a, b);
    (edits <= 3 && 2 * edits <= a.len().min(b.len())).then_some(edits)
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
    fn a_distance_counts_letters_that_are_put_in_left_out_or_changed() {
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!((edits("", "abc"), edits("same", "same")), (3, 0));
    }
}
