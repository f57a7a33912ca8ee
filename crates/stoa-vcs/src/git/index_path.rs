//! Which paths git takes into an index.
//!
//! `git archive` reads the whole tree of a commit into one before it writes anything, so that a path that git refuses there
//! is in no module zip, wherever in the repository it is. The rules are those of git on Linux with its own defaults:
//! `core.protectNTFS` is on and `core.protectHFS` is off.

/// The longest path in a zip of `git archive`, in bytes, without the `prefix/` that the go command asks for.
const LONGEST: usize = 0xffff - "prefix/".len();

/// The eight letters of the NTFS short name of `.gitmodules` when others that begin alike are there already.
const SHORT: &[u8] = b"gi7eba";

/// Whether git takes this path of a file, or of a symbolic link, into an index (`verify_path` in git).
pub(super) fn is_valid(path: &[u8], is_link: bool) -> bool {
    let mut names = path.rsplit(|byte| *byte == b'/');
    let is_last_valid = names.next().is_some_and(|name| is_valid_name(name, is_link));
    // A link is in no folder that is called so, as git looks at the name of each.
    let is_other = |name: &[u8]| !(is_link && name.eq_ignore_ascii_case(b".gitmodules"));
    is_last_valid && names.all(|name| is_valid_name(name, false) && is_other(name))
}

/// Whether `git archive` can write the path into a zip (`write_zip_entry` in git).
pub(super) fn fits_zip(path: &[u8]) -> bool {
    path.len() <= LONGEST
}

fn is_valid_name(name: &[u8], is_link: bool) -> bool {
    if matches!(name, b"" | b"." | b"..") {
        return false;
    }
    // Windows ends a name at a backslash, so that git looks behind each of them, too, except behind the first byte.
    let later = name.iter().enumerate().skip(1);
    let behind = later.filter(|(_, byte)| **byte == b'\\').map(|(at, _)| at + 1);
    std::iter::once(0).chain(behind).all(|at| {
        let rest = &name[at..];
        !(is_ntfs_dot_git(rest) || is_link && is_ntfs_dot_gitmodules(rest))
    })
}

/// Whether NTFS could take the name for `.git`: in any case, as its short name, with spaces and dots behind it, or with the
/// name of a stream.
fn is_ntfs_dot_git(name: &[u8]) -> bool {
    [&b".git"[..], b"git~1"]
        .iter()
        .filter_map(|known| strip_prefix(name, known))
        .any(|rest| matches!(significant(rest), None | Some(b':' | b'\\')))
}

/// Whether NTFS could take the name for `.gitmodules`.
fn is_ntfs_dot_gitmodules(name: &[u8]) -> bool {
    if let Some(rest) = strip_prefix(name, b".gitmodules") {
        return is_ignored(rest);
    }
    if let Some(rest) = strip_prefix(name, b"gitmod~") {
        return matches!(rest.first(), Some(b'1'..=b'4')) && is_ignored(&rest[1..]);
    }
    // The hashed short name: some letters of it, a tilde, and a number that does not begin with 0, eight bytes in all.
    let Some(eight) = name.get(..8) else {
        return false;
    };
    let Some(tilde) = eight.iter().position(|byte| *byte == b'~') else {
        return false;
    };
    let (letters, number) = (&eight[..tilde], &eight[tilde + 1..]);
    tilde <= SHORT.len()
        && letters.eq_ignore_ascii_case(&SHORT[..tilde])
        && matches!(number.first(), Some(b'1'..=b'9'))
        && number.iter().all(u8::is_ascii_digit)
        && is_ignored(&name[8..])
}

/// Whether NTFS ignores what follows a name: spaces and dots to the end, or to the colon before the name of a stream.
fn is_ignored(rest: &[u8]) -> bool {
    matches!(significant(rest), None | Some(b':'))
}

fn significant(rest: &[u8]) -> Option<u8> {
    rest.iter().copied().find(|byte| !matches!(byte, b' ' | b'.'))
}

fn strip_prefix<'a>(name: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = name.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn knows_other_spellings() {
        for name in [
            ".git",
            ".GIT. .",
            "GIT~1",
            ".git::$INDEX_ALLOCATION",
            "a\\.git",
            ".git\\a",
        ] {
            assert!(!is_valid(name.as_bytes(), false), "{name}");
            assert!(!is_valid(format!("a/{name}/b").as_bytes(), false), "{name}");
        }
        for name in [".gitmodules", "gitmod~4", "GI7EB~10", "~1234567", "g~123456 ."] {
            assert!(!is_valid(name.as_bytes(), true), "{name}");
            assert!(is_valid(name.as_bytes(), false), "{name}");
        }
        for name in [
            "\\.git",
            "git~2",
            ".gitx",
            "...",
            "gitmod~5",
            "gi7eba~0",
            ".gitmodules\\a",
            ".gitmodules./a",
            "a:b",
            ".g\u{200c}it",
        ] {
            assert!(is_valid(name.as_bytes(), true), "{name}");
        }
    }

    proptest! {
        #[test]
        fn takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..40), is_link in any::<bool>()) {
            let _ = is_valid(&bytes, is_link);
        }
    }
}
