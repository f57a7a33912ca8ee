//! Proof that a database does not tell everybody the same.

use std::fmt::{self, Write as _};

use crate::tlog::{Hash, TreeHead, TreeProof};

/// Two heads that a database signed and that cannot be of one log.
///
/// Anyone with the key of the database can check it: the notes are signed, and the proof shows that the newer tree
/// starts with another tree than the older one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The head of fewer records.
    pub older: TreeHead,
    /// The head of more records, or of as many.
    pub newer: TreeHead,
    /// The signed note of the older head; empty if that is the log without records.
    pub older_note: Vec<u8>,
    /// The signed note of the newer head.
    pub newer_note: Vec<u8>,
    /// The hash that the newer tree has over its first records, as many as the older one has.
    pub implied: Hash,
    /// Proves that hash, if both trees have records and the hashes for it could be read.
    pub proof: Option<TreeProof>,
}

impl Fork {
    /// The whole proof as text, to be kept or sent to the operators of the database.
    pub fn report(&self) -> String {
        let mut report = format!("{self}\n");
        for (title, note) in [("older", &self.older_note), ("newer", &self.newer_note)] {
            let _ = write!(report, "\n{title} head:\n");
            for line in String::from_utf8_lossy(note).lines() {
                let _ = writeln!(report, "\t{line}");
            }
        }
        let size = self.older.size;
        let _ = write!(
            report,
            "\nfirst {size} records of the newer tree:\n\t{}\n",
            self.implied
        );
        for hash in self.proof.iter().flat_map(TreeProof::hashes) {
            let _ = writeln!(report, "\t{hash}");
        }
        report
    }
}

impl fmt::Display for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the checksum database signed two heads that exclude each other: {}; {}",
            self.older, self.newer
        )
    }
}
