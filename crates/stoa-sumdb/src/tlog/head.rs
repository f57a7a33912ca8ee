//! What a database signs: how many records it has, and their hash.

use std::fmt;

use super::{Hash, TreeSize};

/// The first line of a tree head.
const TITLE: &str = "go.sum database tree";
/// Longer texts are refused, as in Go.
const MAX_LEN: usize = 1_000_000;

/// The state of a log: its size and the hash over all its records (`tlog.Tree`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TreeHead {
    /// How many records the log has.
    pub size: TreeSize,
    /// The hash of the tree over them.
    pub hash: Hash,
}

impl TreeHead {
    /// The head of the log without records.
    pub const EMPTY: Self = Self {
        size: TreeSize::EMPTY,
        hash: Hash::EMPTY_TREE,
    };

    /// Takes the text of a signed note (`tlog.ParseTree`): a title, the size, the hash, each on a line. Lines after
    /// these are left for later versions.
    ///
    /// # Errors
    ///
    /// [`TreeHeadError`] if the text is another, if the size is not in its one decimal form, or if the text is longer
    /// than a million bytes.
    pub fn parse(text: &str) -> Result<Self, TreeHeadError> {
        if text.len() > MAX_LEN {
            return Err(TreeHeadError);
        }
        let mut lines = text.split('\n');
        let mut line = || lines.next().ok_or(TreeHeadError);
        let title = line()?;
        let size = line()?;
        let hash = line()?;
        // The third line has an end too.
        line()?;
        let records = size
            .parse()
            .ok()
            .and_then(TreeSize::new)
            .filter(|records| title == TITLE && records.to_string() == size)
            .ok_or(TreeHeadError)?;
        Ok(Self {
            size: records,
            hash: hash.parse().map_err(|_| TreeHeadError)?,
        })
    }

    /// The text to sign (`tlog.FormatTree`).
    pub fn to_text(&self) -> String {
        format!("{TITLE}\n{}\n{}\n", self.size, self.hash)
    }
}

/// Prints as `300 records, hash w4Qt...=`.
impl fmt::Display for TreeHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records, hash {}", self.size, self.hash)
    }
}

/// A text that is no tree head.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed tree note")]
pub struct TreeHeadError;
