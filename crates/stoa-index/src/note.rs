//! Short texts of others.

use std::{fmt, sync::Arc};

/// A text of at most `MAX` bytes, without control characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Note<const MAX: usize>(Arc<str>);

/// Where a version came from, as the address of an upstream or of a repository.
pub type Origin = Note<256>;

/// What a version was verified by, as the name of a checksum database.
pub type Verifier = Note<128>;

/// A text is no note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is too long.
    #[error("the text has {len} bytes, and {max} are the most")]
    TooLong {
        /// How many bytes it has.
        len: usize,
        /// How many it may have.
        max: usize,
    },
    /// It has a control character.
    #[error("the text has a control character")]
    Control,
}

impl<const MAX: usize> Note<MAX> {
    /// Takes a text as it is.
    pub fn new(text: &str) -> Result<Self, NoteError> {
        if text.len() > MAX {
            return Err(NoteError::TooLong {
                len: text.len(),
                max: MAX,
            });
        }
        if text.chars().any(char::is_control) {
            return Err(NoteError::Control);
        }
        Ok(Self(text.into()))
    }

    /// Takes what it can of any text: control characters become spaces, and the end is cut off.
    pub fn cut(text: &str) -> Self {
        let end = text.floor_char_boundary(MAX);
        // No control character is shorter than a space.
        let plain = text[..end].replace(char::is_control, " ");
        Self(plain.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Note<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<const MAX: usize> fmt::Debug for Note<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_and_control_characters_are_refused_or_cut() {
        let long = "ä".repeat(129);
        assert_eq!(Origin::new(&long), Err(NoteError::TooLong { len: 258, max: 256 }));
        assert_eq!(Origin::new("a\0b"), Err(NoteError::Control));
        assert_eq!(Origin::cut(&long).as_str(), "ä".repeat(128));
        assert_eq!(Note::<3>::cut("aää").as_str(), "aä");
        assert_eq!(Note::<8>::cut("a\0\u{85}b").as_str(), "a  b");
        assert_eq!(
            Origin::new("https://proxy.golang.org").unwrap().to_string(),
            "https://proxy.golang.org"
        );
    }
}
