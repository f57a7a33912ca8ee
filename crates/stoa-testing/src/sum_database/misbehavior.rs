//! Ways for a database to fail or lie.

/// What a [`SumDatabase`](super::SumDatabase) does in place of telling the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SumMisbehavior {
    /// Everything is answered with 500.
    Fails,
    /// Nothing is answered; connections stay open.
    Hangs,
    /// Everything is answered with 404, as if no module were known.
    KnowsNothing,
    /// One bit of every tile is wrong, of hashes and of records.
    TamperedTiles,
    /// Records have another hash of the zip than the log.
    TamperedRecords,
    /// Lookups are answered with a record of the log that is of another module. Two modules must be recorded.
    ForeignRecords,
    /// Lookups are answered with 200 and nothing.
    EmptyLookups,
    /// Lookups are answered with a record of the log that has no lines. It stays in the log.
    EmptyRecords,
    /// The signed head is the one of so many records, fewer than there are. Newer records and tiles are still there.
    RolledBack(u64),
    /// The signed head and the tiles are those of another log, which differs in its first record.
    Forked,
}
