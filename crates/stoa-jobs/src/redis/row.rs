//! A job as Redis has it.

use std::sync::Arc;

use redis::Value;

use super::answer::Answer;
use crate::{Job, Lease, Record, State, StoreError, Timestamp};

/// A job as Redis has it.
///
/// The text of the job is written whenever a rule changes it. A script that only starts a job, or makes it ready, writes
/// fields beside the text; they count where both say something.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) record: Record,
    /// What changes with every write.
    pub(super) rev: String,
    /// The last run that ended, and which store wrote that.
    pub(super) finished: Option<String>,
}

impl Row {
    /// Reads what the function `record` of the scripts returns; none if there is no such job.
    pub(super) fn read(value: Value) -> Result<Option<Self>, StoreError> {
        if value == Value::Nil {
            return Ok(None);
        }
        Self::read_parts(&mut Answer::of(value)?).map(Some)
    }

    pub(super) fn read_parts(parts: &mut Answer) -> Result<Self, StoreError> {
        let text = parts.text()?;
        let rev = parts.text()?;
        let number = parts.number()?;
        let epoch = parts.number()?;
        let turn = parts.number()?;
        let state = parts.text()?;
        let _aggregation = parts.value()?;
        let since = parts.maybe_number()?.map(Timestamp::from_millis);
        let node = parts.maybe()?;
        let until = parts.maybe_number()?.map(Timestamp::from_millis);
        let progress = parts.maybe()?;
        let finished = parts.maybe()?;
        let mut job: Job = serde_json::from_str(&text)
            .map_err(|error| StoreError::unusable(format!("a job cannot be read: {}", place_of(&error))))?;
        match (state.as_str(), since, node, until) {
            ("ready", Some(since), _, _) => job.state = State::Ready { since },
            ("running", Some(since), Some(node), Some(until)) => {
                job.state = State::Running(Lease {
                    node: Arc::from(node),
                    epoch,
                    since,
                    until,
                });
            }
            (state, ..) if job.state.name().as_str() == state => {}
            _ => {
                return Err(StoreError::unusable(format!(
                    "the job {} is {state} and has not what such a job has",
                    job.id
                )));
            }
        }
        let progress = progress.and_then(|progress| serde_json::from_str(&progress).ok());
        let record = Record {
            job,
            number,
            epoch,
            turn,
            progress,
        };
        Ok(Self {
            record,
            rev,
            finished,
        })
    }
}

/// Where a text is not what it should be. The message of the error itself may repeat a value, which may be a secret.
fn place_of(error: &serde_json::Error) -> String {
    format!(
        "{:?} at line {} column {}",
        error.classify(),
        error.line(),
        error.column()
    )
}

/// The rows that can be read. A later version may have written the others; they are left alone.
pub(super) fn readable(values: Answer) -> impl Iterator<Item = Row> {
    values.filter_map(|value| match Row::read(value) {
        Ok(row) => row,
        Err(error) => {
            tracing::error!(%error, "a job in Redis is left alone");
            None
        }
    })
}
