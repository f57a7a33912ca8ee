//! Jobs as rows.

use std::str::FromStr;

use rusqlite::{Params, Row, params, types::Type};

use super::{
    columns::{state_in, state_out, time_in, time_out},
    fault::{meaning, unusable},
    tables::Tables,
};
use crate::{Job, Lease, Record, State, StateName, StoreError};

/// What [`record_of`] reads.
pub(super) const RECORD: &str = "SELECT job.number, state, epoch, turn, progress, node, lease_since, lease_until, \
     since, json FROM job JOIN body ON body.number = job.number";

/// What the text of a column says.
pub(super) fn parsed<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text = row.get_ref(column)?.as_str()?;
    text.parse()
        .map_err(|error: T::Err| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}

/// The job of a row. Whether it is ready or runs stands in the row alone.
pub(super) fn record_of(row: &Row<'_>) -> Result<Record, StoreError> {
    let unreadable = |error: serde_json::Error| unusable("a job cannot be read", error);
    let json = row
        .get_ref(9)
        .and_then(|json| Ok(json.as_str()?))
        .map_err(meaning)?;
    let mut job: Job = serde_json::from_str(json).map_err(unreadable)?;
    let read = || -> rusqlite::Result<_> {
        let epoch = row.get(2)?;
        let state = match state_out(row.get(1)?) {
            Some(StateName::Ready) => Some(State::Ready {
                since: time_out(row.get(8)?),
            }),
            Some(StateName::Running) => Some(State::Running(Lease {
                node: row.get_ref(5)?.as_str()?.into(),
                epoch,
                since: time_out(row.get(6)?),
                until: time_out(row.get(7)?),
            })),
            _ => None,
        };
        Ok((
            state,
            row.get(0)?,
            epoch,
            row.get(3)?,
            row.get::<_, Option<String>>(4)?,
        ))
    };
    let (state, number, epoch, turn, progress) = read().map_err(meaning)?;
    if let Some(state) = state {
        job.state = state;
    }
    let progress = progress
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(unreadable)?;
    Ok(Record {
        job,
        number,
        epoch,
        turn,
        progress,
    })
}

/// Whether two jobs have the same body: whether they differ at most in a state that the row tells by itself.
pub(super) fn is_same_body(before: &Job, job: &Job) -> bool {
    // Every field by name, so that a new one is not forgotten.
    let Job {
        schema,
        id,
        aggregation,
        payload,
        title,
        priority,
        max_attempts,
        timeout_ms,
        submitted,
        deadline,
        fingerprint,
        parents,
        submitters,
        state,
        charged,
        lost,
        round,
        attempts,
        checkpoint,
        children,
        cancel,
        result,
        unknown,
    } = job;
    matches!(state, State::Ready { .. } | State::Running(_))
        && (schema, id, aggregation, title, priority)
            == (
                &before.schema,
                &before.id,
                &before.aggregation,
                &before.title,
                &before.priority,
            )
        && (max_attempts, timeout_ms, submitted)
            == (&before.max_attempts, &before.timeout_ms, &before.submitted)
        && (deadline, fingerprint, parents) == (&before.deadline, &before.fingerprint, &before.parents)
        && (charged, lost, round, children)
            == (&before.charged, &before.lost, &before.round, &before.children)
        && (attempts, submitters, cancel) == (&before.attempts, &before.submitters, &before.cancel)
        && (checkpoint, result, unknown, payload)
            == (
                &before.checkpoint,
                &before.result,
                &before.unknown,
                &before.payload,
            )
}

impl Tables<'_> {
    pub(super) fn record(&self, condition: &str, values: impl Params) -> Result<Option<Record>, StoreError> {
        let sql = format!("{RECORD} {condition}");
        self.one(&sql, values, |row| Ok(record_of(row)))?.transpose()
    }

    pub(super) fn write_row(&self, record: &Record) -> Result<(), StoreError> {
        let job = &record.job;
        self.run(
            "INSERT INTO job (number, id, kind, aggregation, title, state, priority, turn, epoch) \
             VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0)",
            params![
                record.number,
                job.id.as_str(),
                job.aggregation.kind().as_str(),
                job.aggregation.to_string(),
                job.title,
                state_in(StateName::Blocked),
            ],
        )?;
        self.change_row(record)
    }

    pub(super) fn change_row(&self, record: &Record) -> Result<(), StoreError> {
        let place = record.place(self.rules);
        let job = &record.job;
        let lease = job.lease();
        let since = match job.state {
            State::Ready { since } => Some(time_in(since)),
            _ => None,
        };
        self.run(
            "UPDATE job SET state = ?2, priority = ?3, turn = ?4, since = ?5, due = ?6, epoch = ?7, node = ?8, \
             lease_since = ?9, lease_until = ?10, progress = ?11, deadline = ?12, removal = ?13, fingerprint = ?14 \
             WHERE number = ?1",
            params![
                record.number,
                state_in(job.state.name()),
                job.priority.get(),
                record.turn,
                since,
                place.due.map(|(_, due)| time_in(due)),
                record.epoch,
                lease.map(|lease| &*lease.node),
                lease.map(|lease| time_in(lease.since)),
                place.lease_end.map(time_in),
                record.progress.as_ref().map(ToString::to_string),
                place.deadline.map(time_in),
                place.removal.map(time_in),
                place.fingerprint.map(crate::Fingerprint::as_str),
            ],
        )
    }

    pub(super) fn write_body(&self, record: &Record) -> Result<(), StoreError> {
        let json =
            serde_json::to_string(&record.job).map_err(|error| unusable("a job cannot be written", error))?;
        self.run(
            "INSERT OR REPLACE INTO body VALUES (?, ?)",
            params![record.number, json],
        )
    }

    /// Enters the parents of a job but the first `known`, which are there.
    pub(super) fn write_parents(&self, record: &Record, known: usize) -> Result<(), StoreError> {
        for parent in record.job.parents.iter().skip(known) {
            self.run(
                "INSERT OR IGNORE INTO child VALUES (?, ?)",
                params![parent.as_str(), record.number],
            )?;
        }
        Ok(())
    }

    pub(super) fn forget_parents(&self, record: &Record) -> Result<(), StoreError> {
        for parent in &record.job.parents {
            self.run(
                "DELETE FROM child WHERE parent = ? AND number = ?",
                params![parent.as_str(), record.number],
            )?;
        }
        Ok(())
    }
}
