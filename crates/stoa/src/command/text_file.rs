//! Files that commands read.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

/// The largest file that is read, in bytes; of those that are sent, the server takes no larger one either.
const LARGEST: u64 = 4 << 20;

/// The text of a file, or of standard input if it is called `-`.
pub(super) fn read(path: &Path) -> io::Result<String> {
    if path == Path::new("-") {
        bounded(io::stdin().lock())
    } else {
        bounded(fs::File::open(path)?)
    }
}

fn bounded(file: impl Read) -> io::Result<String> {
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("it is larger than {LARGEST} bytes")));
    }
    Ok(text)
}

/// The lines of a text that are no comments, each with its number.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().map(str::trim).enumerate();
    lines
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}
