//! A text that nothing prints.

use std::{
    fmt, fs,
    io::{self, Read},
    path::Path,
    str::FromStr,
};

/// A secret in a file is not longer, in bytes.
const MAX_SECRET: u64 = 64 << 10;

/// A text that nothing prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Why there is no secret. Nothing of the text is in it, nor is the file's name.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("{0}")]
    Unreadable(#[source] io::Error),
    /// The text is empty, has several lines, or is longer than 64 KiB.
    #[error("a secret is one line of text, not empty")]
    NotOneLine,
}

impl Secret {
    /// This text as it is.
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, to be sent to a server.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Reads a file; space around the secret, such as a last line break, does not count.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let mut text = String::new();
        let read = fs::File::open(path).and_then(|file| file.take(MAX_SECRET + 1).read_to_string(&mut text));
        if read.map_err(SecretError::Unreadable)? as u64 > MAX_SECRET {
            return Err(SecretError::NotOneLine);
        }
        text.parse()
    }
}

/// Space around the secret does not count.
impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        let text = text.trim();
        let is_line = !text.is_empty() && !text.chars().any(char::is_control);
        is_line
            .then(|| Self(text.to_owned()))
            .ok_or(SecretError::NotOneLine)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_holds_one_line() {
        let read = |bytes: &[u8]| {
            let mut file = tempfile::NamedTempFile::new().expect("file");
            file.write_all(bytes).expect("write");
            Secret::read(file.path())
        };
        assert_eq!(read(b" t0ken\r\n").expect("secret").expose(), "t0ken");
        for bad in [&b"\n"[..], b"one\ntwo\n", &vec![b'x'; (64 << 10) + 1]] {
            let error = read(bad).expect_err("no secret");
            assert_eq!(error.to_string(), "a secret is one line of text, not empty");
        }
        assert_eq!(
            read(&vec![b'x'; 64 << 10]).expect("longest").expose().len(),
            64 << 10
        );
        assert!(matches!(read(b"\xff"), Err(SecretError::Unreadable(_))));
        assert!(matches!(
            Secret::read("/nowhere".as_ref()),
            Err(SecretError::Unreadable(_))
        ));
    }

    #[test]
    fn nothing_prints_it() {
        let secret: Secret = "hunter2".parse().expect("secret");
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
    }
}
