//! Bytes of a fixed number that are written as hexadecimal digits.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// `N` bytes, which are written as `2 * N` lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Hex<const N: usize>(pub(crate) [u8; N]);

impl<const N: usize> Hex<N> {
    /// Bytes that nobody can guess.
    pub(crate) fn random() -> Self {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).expect("the machine gives random bytes");
        Self(bytes)
    }

    /// The bytes of exactly `2 * N` lower-case digits. There is one way to write them, so that one thing has one name.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != 2 * N {
            return None;
        }
        let mut bytes = [0; N];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Some(Self(bytes))
    }
}

/// The value of one digit.
fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(text.as_bytes())
            .ok_or_else(|| D::Error::custom("not the right number of hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let bytes = Hex([0x00, 0x1f, 0xa0, 0xff]);
        assert_eq!(bytes.to_string(), "001fa0ff");
        assert_eq!(Hex::<4>::parse(b"001fa0ff"), Some(bytes));
    }

    #[test]
    fn nothing_else_is_read() {
        for text in [
            "",
            "001fa0f",
            "001fa0fff",
            "001FA0FF",
            "001fa0f ",
            "+01fa0ff",
            "001fa0fg",
        ] {
            assert_eq!(Hex::<4>::parse(text.as_bytes()), None, "{text:?}");
        }
    }
}
