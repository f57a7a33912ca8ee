//! Where the body of a request ends.

use std::io;

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// By its length.
    Length(u64),
    /// By a last chunk.
    Chunked,
}

/// The longest line before a chunk, and the longest trailer, in bytes.
const LONGEST: u32 = 4096;

/// Finds the end of a body in its bytes, which it neither keeps nor changes.
#[derive(Debug)]
pub(crate) struct BodyEnd(Position);

/// What the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// One of so many bytes, the last of the body.
    Length(u64),
    /// In the line that says how long a chunk is.
    Size {
        size: u64,
        digits: u32,
    },
    /// In the rest of that line.
    Extension {
        size: u64,
        seen: u32,
    },
    /// One of so many bytes of a chunk, and of the line break behind it.
    Chunk(u64),
    /// In the trailer: so many bytes of the line, and of all lines.
    Trailer {
        line: u32,
        seen: u32,
    },
    End,
}

impl BodyEnd {
    pub(crate) fn new(framing: Framing) -> Self {
        Self(match framing {
            Framing::Length(0) => Position::End,
            Framing::Length(length) => Position::Length(length),
            Framing::Chunked => Position::Size { size: 0, digits: 0 },
        })
    }

    /// Whether the body has ended.
    pub(crate) fn is_reached(&self) -> bool {
        self.0 == Position::End
    }

    /// How many of the next bytes still belong to the body.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut at = 0;
        while at < bytes.len() && !self.is_reached() {
            let rest = &bytes[at..];
            match &mut self.0 {
                Position::Length(left) | Position::Chunk(left) => {
                    let taken = usize::try_from(*left).map_or(rest.len(), |left| left.min(rest.len()));
                    *left -= taken as u64;
                    at += taken;
                    match self.0 {
                        Position::Length(0) => self.0 = Position::End,
                        Position::Chunk(0) => self.0 = Position::Size { size: 0, digits: 0 },
                        _ => {}
                    }
                }
                _ => {
                    self.0 = self.0.after(rest[0])?;
                    at += 1;
                }
            }
        }
        Ok(at)
    }
}

impl Position {
    /// What comes after this byte between chunks.
    fn after(self, byte: u8) -> io::Result<Self> {
        let bad = || io::Error::from(io::ErrorKind::InvalidData);
        Ok(match self {
            Self::Size { size, digits } => match char::from(byte).to_digit(16) {
                // A server might read so long a number in another way.
                Some(digit) if digits < 15 => Self::Size {
                    size: size << 4 | u64::from(digit),
                    digits: digits + 1,
                },
                None if digits > 0 => Self::Extension { size, seen: 0 }.after(byte)?,
                _ => return Err(bad()),
            },
            Self::Extension { size, .. } if byte == b'\n' => match size {
                0 => Self::Trailer { line: 0, seen: 0 },
                // With the line break behind it.
                size => Self::Chunk(size + 2),
            },
            Self::Extension { size, seen } if seen < LONGEST => Self::Extension { size, seen: seen + 1 },
            Self::Trailer { line: 0, .. } if byte == b'\n' => Self::End,
            Self::Trailer { seen, .. } if seen >= LONGEST => return Err(bad()),
            Self::Trailer { line, seen } => Self::Trailer {
                line: match byte {
                    b'\n' => 0,
                    // The line break of an empty line may have two bytes.
                    b'\r' if line == 0 => 0,
                    _ => line + 1,
                },
                seen: seen + 1,
            },
            _ => return Err(bad()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of these bytes are the body's, however they are cut; `None` if they are none.
    fn end(framing: Framing, bytes: &[u8]) -> Option<usize> {
        let whole = {
            let mut body = BodyEnd::new(framing);
            let taken = body.take(bytes).ok();
            taken.filter(|_| body.is_reached())
        };
        let mut body = BodyEnd::new(framing);
        let mut taken = 0;
        for byte in bytes {
            if let Ok(more) = body.take(&[*byte]) {
                taken += more;
            } else {
                assert_eq!(whole, None);
                return None;
            }
        }
        let by_one = body.is_reached().then_some(taken);
        assert_eq!(whole, by_one, "{}", bytes.escape_ascii());
        whole
    }

    #[test]
    fn a_body_ends_where_it_says() {
        assert_eq!(end(Framing::Length(0), b"GET "), Some(0));
        assert_eq!(end(Framing::Length(3), b"abcGET "), Some(3));
        assert_eq!(end(Framing::Length(3), b"ab"), None);
        for (text, want) in [
            (&b"0\r\n\r\nGET "[..], Some(5)),
            (b"3\r\nabc\r\n0\r\n\r\nGET ", Some(13)),
            (b"A;x=y\r\n0123456789\r\n0\r\nX: y\r\n\r\nGET ", Some(30)),
            (b"3\r\nabc\r\n", None),
            (b"\r\n", None),
            (b"x\r\n", None),
            (b"-1\r\n", None),
            (b"fffffffffffffffff\r\n", None),
        ] {
            assert_eq!(end(Framing::Chunked, text), want, "{}", text.escape_ascii());
        }
        let long = [b"1;".as_slice(), &b"x".repeat(5000), b"\r\n"].concat();
        assert_eq!(end(Framing::Chunked, &long), None);
    }
}
