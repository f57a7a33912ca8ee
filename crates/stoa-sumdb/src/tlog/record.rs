//! Records and the texts they travel in.

use std::fmt;

use super::{Hash, RecordId, Tile, TileLevel};

/// The content of a record: lines of printable UTF-8, none of them empty.
///
/// Each ends in a newline; other control characters of ASCII do not occur. A single empty line counts as well-formed,
/// as in Go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordText(Box<str>);

impl RecordText {
    /// Takes the content of a record.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if it is none.
    pub fn new(text: &[u8]) -> Result<Self, RecordError> {
        let text = std::str::from_utf8(text).map_err(|_| RecordError)?;
        let is_valid = text.ends_with('\n')
            && !text.contains("\n\n")
            && text.bytes().all(|byte| byte >= b' ' || byte == b'\n');
        if is_valid {
            Ok(Self(text.into()))
        } else {
            Err(RecordError)
        }
    }

    /// Takes the content of a data tile apart, which has every record followed by an empty line.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if `tile` is no data tile, or if `data` is not exactly as many records as the tile is wide.
    pub fn split_tile(tile: Tile, data: &[u8]) -> Result<Vec<Self>, RecordError> {
        if tile.level() != TileLevel::Data {
            return Err(RecordError);
        }
        let mut rest = data;
        let mut records = Vec::new();
        while !rest.is_empty() {
            let (text, after) = split(rest)?;
            records.push(text);
            rest = after;
        }
        if records.len() == tile.width() {
            Ok(records)
        } else {
            Err(RecordError)
        }
    }

    /// The text, with the newline at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The hash by which a log has the record.
    pub fn hash(&self) -> Hash {
        Hash::of_record(self.0.as_bytes())
    }
}

/// A record as lookups return it: with its number, followed by an empty line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number, as the sender says.
    pub id: RecordId,
    /// Its content, as the sender says. Nothing is known of it until its hash is found in a tree.
    pub text: RecordText,
}

impl Record {
    /// Takes a record from the start of an answer and returns what comes after it (`tlog.ParseRecord`).
    ///
    /// # Errors
    ///
    /// [`RecordError`] if there is none.
    pub fn parse(answer: &[u8]) -> Result<(Self, &[u8]), RecordError> {
        let end = answer.iter().position(|&byte| byte == b'\n').ok_or(RecordError)?;
        let id = std::str::from_utf8(&answer[..end])
            .ok()
            .and_then(|id| id.parse().ok())
            .ok_or(RecordError)?;
        let (text, rest) = split(&answer[end + 1..])?;
        let id = RecordId::new(id);
        Ok((Self { id, text }, rest))
    }
}

/// Prints as lookups return it (`tlog.FormatRecord`).
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}", self.id, self.text.as_str())
    }
}

/// Takes the text up to the first empty line, and what comes after that.
fn split(data: &[u8]) -> Result<(RecordText, &[u8]), RecordError> {
    let end = data
        .windows(2)
        .position(|pair| pair == b"\n\n")
        .ok_or(RecordError)?;
    Ok((RecordText::new(&data[..=end])?, &data[end + 2..]))
}

/// Bytes that are no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed record data")]
pub struct RecordError;
