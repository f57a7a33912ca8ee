//! The tables, within a transaction that writes.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row, params};

use super::{
    columns::{state_in, time_in},
    fault::meaning,
};
use crate::{Rules, StateName, StoreError, Timestamp, Wake};

/// How many events are kept.
const MAX_EVENTS: i64 = 10_000;

/// The tables, within a transaction that writes.
#[derive(Debug)]
pub(super) struct Tables<'c> {
    connection: &'c Connection,
    pub(super) rules: &'c Rules,
    pub(super) volatile: Volatile,
}

/// What a transaction keeps in memory until its end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Volatile {
    pub(super) last_number: u64,
    pub(super) last_turn: i64,
    pub(super) last_event: i64,
    /// How often each signal was given: work, control, events.
    pub(super) signals: [u64; 3],
    counts: [i64; StateName::ALL.len()],
}

impl<'c> Tables<'c> {
    /// The tables after a transaction has begun.
    pub(super) fn begin(connection: &'c Connection, rules: &'c Rules) -> Result<Self, StoreError> {
        let mut tables = Self {
            connection,
            rules,
            volatile: Volatile::default(),
        };
        let sql = "SELECT last_number, last_turn, last_event, work, control, events FROM meta";
        let read = |row: &Row<'_>| {
            Ok(Volatile {
                last_number: row.get(0)?,
                last_turn: row.get(1)?,
                last_event: row.get(2)?,
                signals: [row.get(3)?, row.get(4)?, row.get(5)?],
                counts: [0; StateName::ALL.len()],
            })
        };
        tables.volatile = tables.statement(sql)?.query_row([], read).map_err(meaning)?;
        Ok(tables)
    }

    /// Writes what was kept in memory, before the transaction is committed.
    pub(super) fn end(&mut self, wake: Wake, now: Timestamp) -> Result<(), StoreError> {
        for (signal, is_given) in self
            .volatile
            .signals
            .iter_mut()
            .zip([wake.work, wake.control, wake.events])
        {
            *signal += u64::from(is_given);
        }
        let Volatile {
            last_number,
            last_turn,
            last_event,
            signals: [work, control, events],
            counts,
        } = self.volatile;
        for (state, change) in counts.into_iter().enumerate().filter(|(_, change)| *change != 0) {
            self.run(
                "UPDATE count SET jobs = jobs + ?2 WHERE state = ?1",
                params![state, change],
            )?;
        }
        self.run("DELETE FROM event WHERE id <= ?", [last_event - MAX_EVENTS])?;
        self.run(
            "UPDATE meta SET last_seen = max(last_seen, ?), last_number = ?, last_turn = ?, last_event = ?, work = ?, \
             control = ?, events = ?",
            params![time_in(now), last_number, last_turn, last_event, work, control, events],
        )
    }

    pub(super) fn statement(&self, sql: &str) -> Result<CachedStatement<'c>, StoreError> {
        self.connection.prepare_cached(sql).map_err(meaning)
    }

    pub(super) fn run(&self, sql: &str, values: impl Params) -> Result<(), StoreError> {
        self.statement(sql)?.execute(values).map_err(meaning)?;
        Ok(())
    }

    pub(super) fn one<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        self.statement(sql)?
            .query_row(values, read)
            .optional()
            .map_err(meaning)
    }

    pub(super) fn all<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.statement(sql)?;
        let rows = statement.query_map(values, read).map_err(meaning)?;
        rows.collect::<Result<_, _>>().map_err(meaning)
    }

    pub(super) fn count(&mut self, state: StateName, change: i64) {
        self.volatile.counts[state_in(state)] += change;
    }
}
