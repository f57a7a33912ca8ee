//! Which key was meant.

use super::keys::{KEYS, TABLES};

/// The key or the `[[table]]` that differs from `name` in few letters, if there is one.
pub(super) fn nearest(name: &str) -> Option<String> {
    let keys = KEYS
        .iter()
        .map(|key| (edits(name, key.name), key.name.to_owned()));
    let tables = TABLES.iter().map(|table| {
        // `[route]` with one bracket makes `route.match` of a line that belongs into the table.
        let inside = name.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'));
        let edits = if inside { 0 } else { edits(name, table) };
        (edits, format!("[[{table}]]"))
    });
    let near = keys.chain(tables).filter(|(edits, _)| *edits <= 3).min();
    near.map(|(_, name)| name)
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
        assert_eq!(nearest("cache.list_tll").as_deref(), Some("cache.list_ttl"));
        assert_eq!(nearest("listn").as_deref(), Some("listen"));
        assert_eq!(nearest("routes").as_deref(), Some("[[route]]"));
        assert_eq!(nearest("route.match").as_deref(), Some("[[route]]"));
        assert_eq!(nearest("something.else"), None);
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
