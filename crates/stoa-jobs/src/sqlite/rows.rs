//! Jobs as rows.

use std::str::FromStr;

use rusqlite::{
    Params, Row, params, params_from_iter,
    types::{Type, Value},
};

use super::{
    columns::{state_in, state_out, time_in, time_out},
    fault::{meaning, unusable},
    tables::Tables,
};
use crate::{Job, Lease, Record, State, StateName, StoreError, Timestamp};

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
        keep_ms,
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
        && (max_attempts, timeout_ms, keep_ms, submitted)
            == (
                &before.max_attempts,
                &before.timeout_ms,
                &before.keep_ms,
                &before.submitted,
            )
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
        let key = &record.job.aggregation;
        let fixed = [
            record.job.id.to_string(),
            key.kind().to_string(),
            key.to_string(),
            record.job.title.clone(),
        ];
        self.run(
            "INSERT INTO job (number, state, priority, turn, since, due, epoch, node, lease_since, lease_until, progress, \
             deadline, removal, fingerprint, id, kind, aggregation, title) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params_from_iter(self.changing(record).into_iter().chain(fixed.map(Value::Text))),
        )
    }

    pub(super) fn change_row(&self, record: &Record) -> Result<(), StoreError> {
        self.run(
            "UPDATE job SET state = ?2, priority = ?3, turn = ?4, since = ?5, due = ?6, epoch = ?7, node = ?8, \
             lease_since = ?9, lease_until = ?10, progress = ?11, deadline = ?12, removal = ?13, fingerprint = ?14 \
             WHERE number = ?1",
            params_from_iter(self.changing(record)),
        )
    }

    /// The number of a job, and the columns that change with its steps, in the order of both statements.
    fn changing(&self, record: &Record) -> [Value; 14] {
        let place = record.place(self.rules);
        let job = &record.job;
        let lease = job.lease();
        let since = match job.state {
            State::Ready { since } => Some(since),
            _ => None,
        };
        let whole = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        let time = |time: Option<Timestamp>| time.map_or(Value::Null, |time| Value::Integer(time_in(time)));
        let text = |text: Option<String>| text.map_or(Value::Null, Value::Text);
        [
            whole(record.number),
            whole(state_in(job.state.name()) as u64),
            Value::Integer(job.priority.get().into()),
            Value::Integer(record.turn),
            time(since),
            time(place.due.map(|(_, due)| due)),
            whole(record.epoch),
            text(lease.map(|lease| lease.node.to_string())),
            time(lease.map(|lease| lease.since)),
            time(place.lease_end),
            text(record.progress.as_ref().map(ToString::to_string)),
            time(place.deadline),
            time(place.removal),
            text(
                place
                    .fingerprint
                    .map(|fingerprint| fingerprint.as_str().to_owned()),
            ),
        ]
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
