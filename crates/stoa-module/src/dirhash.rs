//! `h1:` hashes: the identity of a module's content, as `golang.org/x/mod/sumdb/dirhash` computes it.
//!
//! The hash covers names and contents and nothing else: how a zip orders, compresses or dates its entries does not
//! matter. It is what `go.sum` and checksum databases record.

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// An `h1:` hash. Displayed and parsed as `h1:` followed by standard base64 with padding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct H1([u8; 32]);

impl H1 {
    /// The hash with these 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for H1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 32 bytes are 44 characters of base64.
        let mut text = [0; 44];
        let len = STANDARD.encode_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        let text = std::str::from_utf8(&text[..len]).map_err(|_| fmt::Error)?;
        f.write_str("h1:")?;
        f.write_str(text)
    }
}

impl fmt::Debug for H1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "H1({self})")
    }
}

/// Why a text is not an `h1:` hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid h1 hash {text:?}")]
pub struct ParseH1Error {
    text: String,
}

impl FromStr for H1 {
    type Err = ParseH1Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("h1:")
            .and_then(|encoded| STANDARD.decode(encoded).ok())
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| ParseH1Error {
                text: text.to_owned(),
            })
    }
}

/// Why a list of files has no `h1:` hash.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// A file name contains a newline, which would make the hashed summary ambiguous.
    #[error("dirhash: filenames with newlines are not supported")]
    Newline,
    /// The content could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Builds the hash `Hash1` of a list of files, given in any order.
///
/// Keeps a name and 32 bytes for each file and never a content.
#[derive(Clone, Debug, Default)]
pub struct Hash1 {
    /// All names, one after another: half a million small allocations would cost more than the names.
    names: Vec<u8>,
    files: Vec<(Range<usize>, [u8; 32])>,
}

impl Hash1 {
    /// A running hash to which no file was added yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file by name and the SHA-256 of its content.
    ///
    /// # Errors
    ///
    /// [`HashError::Newline`] if the name contains a newline.
    pub fn add(&mut self, name: &[u8], content: [u8; 32]) -> Result<(), HashError> {
        if name.contains(&b'\n') {
            return Err(HashError::Newline);
        }
        self.push(name, content);
        Ok(())
    }

    /// As [`Hash1::add`], for names that are checked elsewhere.
    pub(crate) fn push(&mut self, name: &[u8], content: [u8; 32]) {
        let start = self.names.len();
        self.names.extend_from_slice(name);
        self.files.push((start..self.names.len(), content));
    }

    /// The name that was added as the `index`th.
    pub(crate) fn name(&self, index: usize) -> &[u8] {
        &self.names[self.files[index].0.clone()]
    }

    /// Adds a file by name, reading its content to the end.
    ///
    /// # Errors
    ///
    /// [`HashError::Newline`] if the name contains a newline, [`HashError::Io`] if reading fails.
    pub fn add_reader(&mut self, name: &[u8], mut content: impl Read) -> Result<(), HashError> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => hasher.update(&buffer[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
        self.add(name, hasher.finalize().into())
    }

    /// The hash of the files added so far: their lines, sorted bytewise by name, hashed.
    pub fn finish(&self) -> H1 {
        let mut sorted: Vec<_> = self
            .files
            .iter()
            .map(|(name, sum)| (&self.names[name.clone()], sum))
            .collect();
        // Stable, as equal names with different contents have no order of their own.
        sorted.sort_by_key(|(name, _)| *name);
        let mut hasher = Sha256::new();
        for (name, sum) in sorted {
            hasher.update(hex(sum));
            hasher.update(b"  ");
            hasher.update(name);
            hasher.update(b"\n");
        }
        H1(hasher.finalize().into())
    }
}

/// The hash of a `go.mod` file by itself: what `go.sum` has in its `/go.mod` lines.
pub fn go_mod_h1(content: &[u8]) -> H1 {
    go_mod_h1_of_sum(Sha256::digest(content).into())
}

/// As [`go_mod_h1`], from the SHA-256 of the content.
pub(crate) fn go_mod_h1_of_sum(sum: [u8; 32]) -> H1 {
    let mut hasher = Sha256::new();
    hasher.update(hex(&sum));
    hasher.update(b"  go.mod\n");
    H1(hasher.finalize().into())
}

fn hex(sum: &[u8; 32]) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = [0; 64];
    for (pair, byte) in out.chunks_exact_mut(2).zip(sum) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    #[test]
    fn text_round_trips() {
        let h1 = Hash1::new().finish();
        assert_eq!(h1.to_string(), EMPTY);
        assert_eq!(EMPTY.parse::<H1>().unwrap(), h1);
        assert_eq!(format!("{h1:?}"), format!("H1({EMPTY})"));
    }

    #[test]
    fn malformed_text_is_refused() {
        for text in [
            "",
            "h1:",
            "h2:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            &EMPTY[..46],
            "h1:AAAA",
        ] {
            assert!(text.parse::<H1>().is_err(), "{text}");
        }
    }

    #[test]
    fn order_of_files_does_not_matter() {
        let mut one = Hash1::new();
        one.add_reader(b"a", &b"1"[..]).unwrap();
        one.add_reader(b"b", &b"2"[..]).unwrap();
        let mut two = Hash1::new();
        two.add_reader(b"b", &b"2"[..]).unwrap();
        two.add_reader(b"a", &b"1"[..]).unwrap();
        assert_eq!(one.finish(), two.finish());
    }

    #[test]
    fn go_mod_is_hashed_under_its_bare_name() {
        let mut files = Hash1::new();
        files.add_reader(b"go.mod", &b"module m\n"[..]).unwrap();
        assert_eq!(go_mod_h1(b"module m\n"), files.finish());
    }
}
