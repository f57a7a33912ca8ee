//! Globs, as `path.Match` has them.
//!
//! The grammar has quirks that patterns in the wild may lean on (a class may start with neither `]` nor `-`, what
//! follows a `*` is matched at the first place it fits), so this follows Go's algorithm step by step.

use crate::unicode::decode;

/// The pattern is malformed.
#[derive(Debug, PartialEq, Eq)]
struct PatternError;

/// Whether `pattern` matches all of `name`. A malformed pattern matches nothing.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    try_match(pattern.as_bytes(), name.as_bytes()).unwrap_or(false)
}

/// Whether `pattern` follows the grammar.
pub(crate) fn is_well_formed(pattern: &str) -> bool {
    let mut rest = pattern.as_bytes();
    while !rest.is_empty() {
        let (_, chunk, after) = scan_chunk(rest);
        if match_chunk(chunk, b"").is_err() {
            return false;
        }
        rest = after;
    }
    true
}

/// The characters of a well-formed `pattern` that stand for themselves.
pub(crate) fn literals(pattern: &str) -> impl Iterator<Item = char> {
    let (mut chars, mut in_class) = (pattern.chars(), false);
    std::iter::from_fn(move || {
        loop {
            match (chars.next()?, in_class) {
                ('\\', false) => return chars.next(),
                ('\\', true) => drop(chars.next()),
                ('[', false) => in_class = true,
                (']', true) => in_class = false,
                ('*' | '?', false) | (_, true) => {}
                (literal, false) => return Some(literal),
            }
        }
    })
}

fn try_match(mut pattern: &[u8], mut name: &[u8]) -> Result<bool, PatternError> {
    while !pattern.is_empty() {
        let (star, chunk, rest) = scan_chunk(pattern);
        pattern = rest;
        if star && chunk.is_empty() {
            return Ok(!name.contains(&b'/'));
        }
        // The last chunk must use up the name; any other may leave some for what follows.
        let fits = |tail: &&[u8]| tail.is_empty() || !pattern.is_empty();
        if let Some(tail) = match_chunk(chunk, name)?.filter(fits) {
            name = tail;
            continue;
        }
        if !star {
            return Ok(false);
        }
        let reach = name.iter().position(|&b| b == b'/').unwrap_or(name.len());
        let mut found = None;
        for skipped in 1..=reach {
            found = match_chunk(chunk, &name[skipped..])?.filter(fits);
            if found.is_some() {
                break;
            }
        }
        match found {
            Some(tail) => name = tail,
            None => return Ok(false),
        }
    }
    Ok(name.is_empty())
}

/// Takes the next chunk, which has no star, off the pattern, and tells whether stars came before it.
fn scan_chunk(pattern: &[u8]) -> (bool, &[u8], &[u8]) {
    let stars = pattern.iter().take_while(|&&b| b == b'*').count();
    let pattern = &pattern[stars..];
    let mut in_class = false;
    let mut i = 0;
    while i < pattern.len() {
        match pattern[i] {
            b'\\' => i += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'*' if !in_class => break,
            _ => {}
        }
        i += 1;
    }
    let (chunk, rest) = pattern.split_at(i.min(pattern.len()));
    (stars > 0, chunk, rest)
}

/// Matches a chunk against the beginning of `s` and gives the rest of it. After a mismatch it goes on reading the
/// chunk, for it may yet prove malformed.
fn match_chunk<'s>(mut chunk: &[u8], mut s: &'s [u8]) -> Result<Option<&'s [u8]>, PatternError> {
    let mut failed = false;
    while let [operator, after @ ..] = chunk {
        failed = failed || s.is_empty();
        chunk = after;
        match operator {
            b'[' => {
                let (c, width) = if failed { (None, 0) } else { decode(s) };
                s = &s[width..];
                let matched;
                (matched, chunk) = match_class(chunk, c.unwrap_or(char::REPLACEMENT_CHARACTER))?;
                failed = failed || !matched;
            }
            b'?' => {
                failed = failed || s[0] == b'/';
                s = &s[decode(s).1..];
            }
            operator => {
                let mut literal = operator;
                if *operator == b'\\' {
                    (literal, chunk) = chunk.split_first().ok_or(PatternError)?;
                }
                failed = failed || s[0] != *literal;
                s = s.get(1..).unwrap_or(s);
            }
        }
    }
    Ok((!failed).then_some(s))
}

/// Matches one character against a class whose `[` has been read, and gives what follows the class.
fn match_class(mut chunk: &[u8], c: char) -> Result<(bool, &[u8]), PatternError> {
    let negated = chunk.first() == Some(&b'^');
    if negated {
        chunk = &chunk[1..];
    }
    let mut matched = false;
    let mut ranges = 0;
    loop {
        if ranges > 0 && chunk.first() == Some(&b']') {
            return Ok((matched != negated, &chunk[1..]));
        }
        let (low, high);
        (low, chunk) = class_char(chunk)?;
        (high, chunk) = if chunk[0] == b'-' {
            class_char(&chunk[1..])?
        } else {
            (low, chunk)
        };
        matched = matched || (low <= c && c <= high);
        ranges += 1;
    }
}

/// Takes a character of a class, which is followed by at least the closing bracket.
fn class_char(mut chunk: &[u8]) -> Result<(char, &[u8]), PatternError> {
    match chunk.first() {
        None | Some(b'-' | b']') => return Err(PatternError),
        Some(b'\\') => chunk = &chunk[1..],
        Some(_) => {}
    }
    let (c, width) = decode(chunk);
    match (c, &chunk[width..]) {
        (Some(c), rest) if !rest.is_empty() => Ok((c, rest)),
        _ => Err(PatternError),
    }
}

#[cfg(test)]
mod tests {
    use super::{PatternError, matches, try_match};

    #[test]
    fn matches_like_go() {
        for (pattern, name, matched) in [
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
            ("*", "abc", true),
            ("*", "a/b", false),
            ("*c", "abc", true),
            ("a*", "ab/c", false),
            ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", false),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[^b-d]", "abc", false),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a☺b", true),
            ("a[^a]b", "a☺b", true),
            ("a???b", "a☺b", false),
            ("[a-ζ]*", "α", true),
            ("*[a-ζ]", "A", false),
            ("a?b", "a/b", false),
            ("[\\]a]", "]", true),
            ("[x\\-]", "-", true),
            ("[x\\-]", "z", false),
            ("*x", "xxx", true),
        ] {
            assert_eq!(matches(pattern, name), matched, "{pattern} {name}");
        }
    }

    #[test]
    fn malformed_patterns_match_nothing() {
        for (pattern, name) in [
            ("[]a]", "]"),
            ("[-]", "-"),
            ("[x-]", "x"),
            ("[-x]", "x"),
            ("[a-b-c]", "a"),
            ("[", "a"),
            ("[^", "a"),
            ("[^bc", "a"),
            ("a[", "ab"),
            ("\\", "a"),
            ("[\\", "a"),
            ("a[", "a"),
            ("a[", "x/y"),
        ] {
            assert_eq!(
                try_match(pattern.as_bytes(), name.as_bytes()),
                Err(PatternError),
                "{pattern} {name}"
            );
            assert!(!matches(pattern, name));
        }
    }
}
