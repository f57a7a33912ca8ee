//! Simple case folding, as `strings.EqualFold` of Go has it.
//!
//! A module zip must unpack on file systems that do not tell cases apart, so two names that differ only in case
//! are a collision. Go decides this with Unicode *simple* folding: one code point maps to one code point. `K` and
//! U+212A (kelvin) are equal, so are `s` and `ſ`, and the three sigmas; `ß` and `ss` are not, `ı` and `i` are not.
//! The conversions of the standard library answer another question and are of no use here.

mod table;

use std::borrow::Cow;

use table::RUNS;

/// Maps a name to the representative of all names that are equal to it under simple case folding.
///
/// `fold(a) == fold(b)` exactly if Go's `strings.EqualFold(a, b)`. It is `strToFold` of `golang.org/x/mod/zip`:
/// every character becomes the smallest of its orbit, except that ASCII letters become small ones, which leaves
/// most names untouched and unallocated.
pub fn fold(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.chars().map(fold_char).collect())
}

/// The representative of one character: the smallest of its orbit, or the small letter if that is ASCII.
fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let code = u32::from(c);
    let after = RUNS.partition_point(|run| run.first <= code);
    let Some(run) = after.checked_sub(1).map(|i| &RUNS[i]) else {
        return c;
    };
    if code > run.last || !(code - run.first).is_multiple_of(run.step) {
        return c;
    }
    // The table maps characters to characters; the fallback is never taken.
    code.checked_add_signed(run.delta)
        .and_then(char::from_u32)
        .map_or(c, |folded| folded.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn every_code_point_folds_as_in_go() {
        // The lines "code folded" in hexadecimal of all code points that `unicode.SimpleFold` of Go 1.26 moves.
        const GO: &str = "8e7f96552ab536d4798a1d4c42556f0a87d35e5504fae4b6d5a0c2e675f3a794";
        let mut lines = String::new();
        let mut moved = 0;
        for c in char::MIN..=char::MAX {
            let folded = fold_char(c);
            // Go's smallest member of an ASCII orbit is the capital.
            let smallest = folded.to_ascii_uppercase();
            if smallest != c {
                moved += 1;
                writeln!(lines, "{:x} {:x}", u32::from(c), u32::from(smallest)).unwrap();
            }
        }
        assert_eq!(moved, 1454);
        let digest = Sha256::digest(lines.as_bytes());
        let mut hex = String::new();
        for byte in digest {
            write!(hex, "{byte:02x}").unwrap();
        }
        assert_eq!(hex, GO);
    }

    #[test]
    fn folding_is_idempotent() {
        for c in char::MIN..=char::MAX {
            assert_eq!(fold_char(fold_char(c)), fold_char(c));
        }
    }

    #[test]
    fn names_that_need_no_folding_are_borrowed() {
        assert!(matches!(fold("dir/file_1.go"), Cow::Borrowed(_)));
        assert!(matches!(fold("README"), Cow::Owned(_)));
    }

    #[test]
    fn special_letters() {
        assert_eq!(fold("K"), fold("\u{212a}"));
        assert_eq!(fold("S"), fold("ſ"));
        assert_eq!(fold("ς"), fold("Σ"));
        assert_ne!(fold("ß"), fold("ss"));
        assert_ne!(fold("ı"), fold("i"));
        assert_ne!(fold("a"), fold("ab"));
    }
}
