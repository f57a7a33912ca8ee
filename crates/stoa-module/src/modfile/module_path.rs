//! Finding the module path without reading the whole file.

use std::borrow::Cow;

use super::unquote::{into_text, unquote};
use crate::unicode::decode;

/// The module path of a go.mod file (`modfile.ModulePath`), or `None` if no line has one.
///
/// This scans lines and tolerates any other problem of the file. It is what decides which major version a
/// directory of a repository holds, so its oddities are the protocol: comments are cut before quotes are
/// read, the block form `module (` yields `(`, and what it gives need not be a valid path.
///
/// # Deviation
///
/// Bytes that are not UTF-8 come out as U+FFFD, which no valid path has either.
pub fn module_path(go_mod: &[u8]) -> Option<Cow<'_, str>> {
    let rest = go_mod.split(|&b| b == b'\n').find_map(module_argument)?;
    let path = match rest.first() {
        Some(b'"' | b'`') => unquote(rest)?,
        _ => Cow::Borrowed(rest),
    };
    (!path.is_empty()).then(|| into_text(path))
}

/// What a line has after the word `module`, if it has that and something after it.
fn module_argument(line: &[u8]) -> Option<&[u8]> {
    let code = line
        .windows(2)
        .position(|pair| pair == b"//")
        .map_or(line, |at| &line[..at]);
    let after = trim(code).strip_prefix(b"module")?;
    let argument = trim(after);
    (argument.len() < after.len() && !argument.is_empty()).then_some(argument)
}

/// Trims white space as `bytes.TrimSpace` does, off bytes that may not be UTF-8.
fn trim(mut bytes: &[u8]) -> &[u8] {
    while let (Some(c), width) = decode(bytes)
        && c.is_whitespace()
    {
        bytes = &bytes[width..];
    }
    while let Some((c, width)) = decode_last(bytes)
        && c.is_whitespace()
    {
        bytes = &bytes[..bytes.len() - width];
    }
    bytes
}

fn decode_last(bytes: &[u8]) -> Option<(char, usize)> {
    (1..=bytes.len().min(4)).find_map(|width| match decode(&bytes[bytes.len() - width..]) {
        (Some(c), decoded) if decoded == width => Some((c, width)),
        _ => None,
    })
}
