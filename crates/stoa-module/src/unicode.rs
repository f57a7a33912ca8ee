//! Go's idea of letters and printable characters.
//!
//! File names in module zips and quoted text in error messages depend on the exact Unicode version of the go
//! command, which Rust's own tables do not follow. What differs shows as a module one side accepts and the
//! other refuses, so the tables here are Go's.

mod tables;

use tables::{LETTERS, PRINTABLE};

/// Whether `c` is in Unicode category L (`unicode.IsLetter`).
pub(crate) fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphabetic()
    } else {
        contains(LETTERS, c)
    }
}

/// Whether `c` is a graphic character or the ASCII space (`unicode.IsPrint`).
pub(crate) fn is_print(c: char) -> bool {
    if c.is_ascii() {
        c == ' ' || c.is_ascii_graphic()
    } else {
        contains(PRINTABLE, c)
    }
}

/// Decodes the first character of `bytes` as `utf8.DecodeRune` does: an invalid byte is `None` of width 1, and
/// nothing at all is `None` of width 0.
pub(crate) fn decode(bytes: &[u8]) -> (Option<char>, usize) {
    let Some(&first) = bytes.first() else {
        return (None, 0);
    };
    if first.is_ascii() {
        return (Some(char::from(first)), 1);
    }
    let width = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return (None, 1),
    };
    let decoded = bytes
        .get(..width)
        .and_then(|head| std::str::from_utf8(head).ok()?.chars().next());
    (decoded, if decoded.is_some() { width } else { 1 })
}

fn contains(bounds: &[u32], c: char) -> bool {
    let c = u32::from(c);
    let at = bounds.partition_point(|&bound| bound < c);
    // An odd index is the last code point of a range that began before `c`.
    at % 2 == 1 || bounds.get(at) == Some(&c)
}

#[cfg(test)]
mod tests {
    use super::{decode, is_letter, is_print};

    #[test]
    fn range_bounds_are_inclusive() {
        for (c, letter) in [
            ('\u{a9}', false),
            ('ª', true),
            ('«', false),
            ('À', true),
            ('×', false),
            ('ˁ', true),
        ] {
            assert_eq!(is_letter(c), letter, "{c:?}");
        }
        // Alphabetic in Unicode's sense, but marks and numbers are no letters to Go.
        assert!(!is_letter('\u{345}') && !is_letter('Ⅷ'));
    }

    #[test]
    fn controls_and_odd_spaces_do_not_print() {
        assert!(is_print(' ') && is_print('é') && is_print('\u{fffd}'));
        for c in [
            '\n',
            '\u{7f}',
            '\u{85}',
            '\u{a0}',
            '\u{200b}',
            '\u{e000}',
            '\u{10ffff}',
        ] {
            assert!(!is_print(c), "{c:?}");
        }
    }

    #[test]
    fn invalid_bytes_are_consumed_one_at_a_time() {
        assert_eq!(decode(b""), (None, 0));
        assert_eq!(decode("é!".as_bytes()), (Some('é'), 2));
        assert_eq!(decode(b"\xe2\x98"), (None, 1));
        assert_eq!(decode(b"\xed\xa0\x80"), (None, 1));
        assert_eq!(decode("😀".as_bytes()), (Some('😀'), 4));
    }
}
