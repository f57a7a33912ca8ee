//! Trees, as git stores them.

/// What a tree says something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Tree,
    /// A regular file or a symbolic link.
    Blob,
    /// A commit of another repository, and to git also whatever it does not know.
    Submodule,
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    pub(super) mode: Mode,
    pub(super) id: String,
    /// What is left of the path, to be looked for in the tree that was found.
    pub(super) rest: &'a [u8],
}

/// What is wrong with the bytes of a tree.
pub(super) type Flaw = &'static str;

struct Entry<'a> {
    mode: Mode,
    name: &'a [u8],
    hash: &'a [u8],
}

/// The entry that a path begins with, in a tree with hashes of `width` bytes. As in git (`find_tree_entry`), a name that
/// begins as the path and sorts behind it ends the search: what follows in a tree that is not sorted is not found.
pub(super) fn find<'a>(tree: &[u8], path: &'a [u8], width: usize) -> Result<Option<Found<'a>>, Flaw> {
    let mut left = tree;
    while !left.is_empty() {
        let (entry, next) = split_entry(left, width)?;
        left = next;
        let len = entry.name.len();
        let Some(start) = path.get(..len) else {
            continue;
        };
        let rest = match start.cmp(entry.name) {
            std::cmp::Ordering::Greater => continue,
            std::cmp::Ordering::Less => return Ok(None),
            std::cmp::Ordering::Equal => &path[len..],
        };
        let rest = match rest.split_first() {
            None => rest,
            Some((b'/', rest)) if entry.mode == Mode::Tree => rest,
            Some((b'/', _)) => return Ok(None),
            Some(_) => continue,
        };
        let (mode, id) = (entry.mode, hex(entry.hash));
        return Ok(Some(Found { mode, id, rest }));
    }
    Ok(None)
}

/// The first entry, and what follows it (`decode_tree_entry` in git).
fn split_entry(tree: &[u8], width: usize) -> Result<(Entry<'_>, &[u8]), Flaw> {
    let short = "a tree is cut short";
    let space = tree.iter().position(|byte| *byte == b' ');
    let (mode, rest) = tree.split_at(space.ok_or(short)?);
    let rest = &rest[1..];
    let end = rest.iter().position(|byte| *byte == 0).ok_or(short)?;
    let (name, rest) = (&rest[..end], &rest[end + 1..]);
    let (hash, rest) = rest.split_at_checked(width).ok_or(short)?;
    if name.is_empty() {
        return Err("a name in a tree is empty");
    }
    let mode = self::mode(mode).ok_or("a mode in a tree is no octal number")?;
    Ok((Entry { mode, name, hash }, rest))
}

/// The kind of entry that octal digits say (`canon_mode` in git, which takes any number of them).
fn mode(digits: &[u8]) -> Option<Mode> {
    let add = |number: u16, digit: &u8| {
        let digit = matches!(digit, b'0'..=b'7').then(|| u16::from(digit - b'0'))?;
        Some(number.wrapping_shl(3).wrapping_add(digit))
    };
    let number = (!digits.is_empty()).then_some(0_u16)?;
    let number = digits.iter().try_fold(number, add)?;
    Some(match number & 0o170_000 {
        0o040_000 => Mode::Tree,
        0o100_000 | 0o120_000 => Mode::Blob,
        _ => Mode::Submodule,
    })
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16);
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(digit).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tree(entries: &[(&str, &str)]) -> Vec<u8> {
        let entry = |(mode, name): &(&str, &str)| [mode, " ", name, "\0", &"h".repeat(20)].concat();
        entries.iter().map(entry).collect::<String>().into_bytes()
    }

    #[test]
    fn finds_as_git_does() {
        let all = tree(&[
            ("100644", "a"),
            ("040755", "b"),
            ("644", "c"),
            ("100644", "d/e"),
            ("1", "z"),
            ("120777", "y"),
        ]);
        let found = |path: &str| {
            let found = find(&all, path.as_bytes(), 20).expect("no flaw")?;
            Some((found.mode, String::from_utf8_lossy(found.rest).into_owned()))
        };
        assert_eq!(found("a"), Some((Mode::Blob, String::new())));
        assert_eq!(found("a/x"), None);
        assert_eq!(found("b/x/y"), Some((Mode::Tree, "x/y".to_owned())));
        assert_eq!(found("c"), Some((Mode::Submodule, String::new())));
        assert_eq!(found("d/e"), Some((Mode::Blob, String::new())));
        assert_eq!(found("d"), None);
        assert_eq!(found("y"), None, "it is not sorted");
    }

    #[test]
    fn flaws_are_told() {
        for bytes in [
            &b"100644"[..],
            b"100644 a",
            b"100644 a\0short",
            b"10064x a\0hhhhhhhhhhhhhhhhhhhh",
        ] {
            assert!(find(bytes, b"a", 20).is_err(), "{}", bytes.escape_ascii());
        }
        assert!(find(&tree(&[("100644", "")]), b"a", 20).is_err());
        assert!(find(&tree(&[("", "a")]), b"a", 20).is_err());
    }

    proptest! {
        #[test]
        fn takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), name in "[ab/]{0,3}") {
            let _ = find(&bytes, name.as_bytes(), 20);
        }
    }
}
