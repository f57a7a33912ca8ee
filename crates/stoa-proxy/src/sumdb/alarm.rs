//! How a checksum database is caught.

/// How a database was caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alarm {
    /// It signed heads that exclude each other.
    Fork,
    /// Its latest head is older than one that it signed before.
    Rollback,
    /// It answered with a record of another module version.
    ForeignRecord,
    /// It answered with a record that its log does not have.
    WrongRecord,
    /// A head has no signature that counts.
    BadSignature,
    /// A tile is not of the signed tree.
    BadTile,
    /// An answer makes no sense.
    BadAnswer,
}

impl Alarm {
    /// Every kind, in a fixed order.
    pub const ALL: [Self; 7] = [
        Self::Fork,
        Self::Rollback,
        Self::ForeignRecord,
        Self::WrongRecord,
        Self::BadSignature,
        Self::BadTile,
        Self::BadAnswer,
    ];

    /// The word that logs and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Rollback => "rollback",
            Self::ForeignRecord => "foreign_record",
            Self::WrongRecord => "wrong_record",
            Self::BadSignature => "bad_signature",
            Self::BadTile => "bad_tile",
            Self::BadAnswer => "bad_answer",
        }
    }
}
