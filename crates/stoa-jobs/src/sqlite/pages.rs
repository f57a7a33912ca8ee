//! What people look for, without delaying what writes.

use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter, types::Value as SqlValue};
use serde_json::Value;

use super::{
    columns::{state_in, state_out, time_out},
    fault::meaning,
    lanes::{STANDING, standing_of},
    rows::{RECORD, record_of},
};
use crate::{
    Aggregation, AggregationKey, Counts, Cursor, Event, EventId, Job, JobId, JobPage, JobQuery, Standing,
    StateName, StoreError, Timestamp,
};

/// How many jobs a page looks at at most, of each state. One that finds less than it wants ends there, and the next goes on.
const MAX_LOOK: usize = 20_000;

pub(super) fn job(connection: &Connection, id: &JobId) -> Result<Option<(Job, Option<Value>)>, StoreError> {
    let sql = format!("{RECORD} WHERE job.id = ?");
    let mut statement = connection.prepare_cached(&sql).map_err(meaning)?;
    let found = statement
        .query_row([id.as_str()], |row| Ok(record_of(row)))
        .optional()
        .map_err(meaning)?;
    Ok(found.transpose()?.map(|record| (record.job, record.progress)))
}

/// What a look through the jobs of one state, or of all, came to.
struct Look {
    numbers: Vec<u64>,
    /// Where it ended, unless it saw everything.
    end: Option<u64>,
}

pub(super) fn jobs(connection: &Connection, query: &JobQuery) -> Result<JobPage, StoreError> {
    let mut looks = Vec::new();
    if query.states.is_empty() || query.parent.is_some() || query.aggregation.is_some() {
        looks.push(look(connection, query, None)?);
    } else {
        for state in &query.states {
            looks.push(look(connection, query, Some(*state))?);
        }
    }
    // Below the place where one of them ended, nothing is known of its state.
    let end = looks.iter().filter_map(|look| look.end).max();
    let mut numbers: Vec<u64> = looks.into_iter().flat_map(|look| look.numbers).collect();
    numbers.retain(|number| end.is_none_or(|end| *number >= end));
    numbers.sort_unstable_by(|one, other| other.cmp(one));
    let is_cut = numbers.len() > query.limit;
    numbers.truncate(query.limit);
    let next = if is_cut {
        numbers.last().copied().or(query.before.map(|cursor| cursor.0))
    } else {
        end
    };
    let sql = format!("{RECORD} WHERE job.number = ?");
    let mut statement = connection.prepare_cached(&sql).map_err(meaning)?;
    let mut jobs = Vec::new();
    for number in numbers {
        jobs.push(
            statement
                .query_row([number], |row| Ok(record_of(row)))
                .map_err(meaning)??
                .job,
        );
    }
    Ok(JobPage {
        jobs,
        next: next.map(Cursor),
    })
}

/// Looks for jobs in the order of their numbers, along the index that says the most.
fn look(connection: &Connection, query: &JobQuery, state: Option<StateName>) -> Result<Look, StoreError> {
    let mut values =
        vec![SqlValue::Integer(query.before.map_or(i64::MAX, |before| {
            i64::try_from(before.0).unwrap_or(i64::MAX)
        }))];
    let from = "SELECT job.number, state, kind, aggregation, title FROM";
    let sql = if let Some(parent) = &query.parent {
        values.push(parent.as_str().to_owned().into());
        format!(
            "{from} child CROSS JOIN job ON job.number = child.number WHERE child.number < ?1 AND parent = ?2 ORDER BY child.number DESC"
        )
    } else {
        let condition = if let Some(aggregation) = &query.aggregation {
            values.push(aggregation.to_string().into());
            "INDEXED BY job_aggregation WHERE number < ?1 AND aggregation = ?2"
        } else if let Some(state) = state {
            values.push(i64::try_from(state_in(state)).unwrap_or_default().into());
            "INDEXED BY job_state WHERE number < ?1 AND state = ?2"
        } else if let Some(kind) = &query.kind {
            values.push(kind.as_str().to_owned().into());
            "INDEXED BY job_kind WHERE number < ?1 AND kind = ?2"
        } else {
            "WHERE number < ?1"
        };
        format!("{from} job {condition} ORDER BY number DESC")
    };
    let mut statement = connection.prepare_cached(&sql).map_err(meaning)?;
    let mut rows = statement.query(params_from_iter(values)).map_err(meaning)?;
    let mut found = Look {
        numbers: Vec::new(),
        end: None,
    };
    let mut seen = 0;
    while let Some(row) = rows.next().map_err(meaning)? {
        let number = row.get(0).map_err(meaning)?;
        if is_match(query, row).map_err(meaning)? {
            found.numbers.push(number);
        }
        seen += 1;
        if found.numbers.len() > query.limit || seen >= MAX_LOOK {
            found.end = Some(number);
            break;
        }
    }
    Ok(found)
}

fn is_match(query: &JobQuery, row: &Row<'_>) -> rusqlite::Result<bool> {
    let state: usize = row.get(1)?;
    let (kind, key, title) = (
        row.get_ref(2)?.as_str()?,
        row.get_ref(3)?.as_str()?,
        row.get_ref(4)?.as_str()?,
    );
    Ok(
        (query.states.is_empty() || query.states.iter().any(|wanted| state_in(*wanted) == state))
            && query.kind.as_ref().is_none_or(|wanted| wanted.as_str() == kind)
            && query
                .aggregation
                .as_ref()
                .is_none_or(|wanted| wanted.to_string() == key)
            && title.contains(&query.text),
    )
}

pub(super) fn counts(connection: &Connection) -> Result<Counts, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT state, jobs FROM count")
        .map_err(meaning)?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, usize>(0)?, row.get(1)?)))
        .map_err(meaning)?;
    let mut counts = Counts::new();
    for row in rows {
        let (state, jobs) = row.map_err(meaning)?;
        counts.extend(state_out(state).map(|state| (state, jobs)));
    }
    Ok(counts)
}

pub(super) fn aggregations(
    connection: &Connection,
    after: Option<&AggregationKey>,
    limit: usize,
) -> Result<Vec<Aggregation>, StoreError> {
    let (kind, name) = after.map_or(("", ""), |key| (key.kind().as_str(), key.name()));
    let sql = format!("{STANDING} WHERE (kind, name) > (?, ?) ORDER BY kind, name LIMIT ?");
    let mut statement = connection.prepare_cached(&sql).map_err(meaning)?;
    let rows = statement
        .query_map(params![kind, name, limit], |row| Ok(standing_of(row)))
        .map_err(meaning)?;
    rows.map(|row| {
        row.map_err(meaning)?
            .and_then(|(key, standing)| show(connection, key, &standing))
    })
    .collect()
}

pub(super) fn aggregation(
    connection: &Connection,
    key: &AggregationKey,
) -> Result<Option<Aggregation>, StoreError> {
    let sql = format!("{STANDING} WHERE kind = ? AND name = ?");
    let mut statement = connection.prepare_cached(&sql).map_err(meaning)?;
    let values = [key.kind().as_str(), key.name()];
    let found = statement
        .query_row(values, |row| Ok(standing_of(row)))
        .optional()
        .map_err(meaning)?
        .transpose()?;
    found
        .map(|(key, standing)| show(connection, key, &standing))
        .transpose()
}

fn show(
    connection: &Connection,
    key: AggregationKey,
    standing: &Standing,
) -> Result<Aggregation, StoreError> {
    let oldest = if standing.ready > 0 {
        oldest_ready(connection, &key)?
    } else {
        None
    };
    Ok(standing.show(key, oldest))
}

/// Since when the first job of each priority has been ready, the earliest of them. Those that were promoted have turns below
/// zero, the earliest of which is the last.
fn oldest_ready(connection: &Connection, key: &AggregationKey) -> Result<Option<Timestamp>, StoreError> {
    let of = |ends: &str| {
        format!(
            "SELECT since FROM job WHERE state = 0 AND aggregation = ? AND priority = ? AND turn {ends} LIMIT 1"
        )
    };
    let text = key.to_string();
    let mut oldest: Option<i64> = None;
    for sql in [of(">= 0 ORDER BY turn"), of("< 0 ORDER BY turn DESC")] {
        let mut statement = connection.prepare_cached(&sql).map_err(meaning)?;
        for priority in 0..=9 {
            let since = statement
                .query_row(params![text, priority], |row| row.get(0))
                .optional()
                .map_err(meaning)?;
            oldest = since.into_iter().chain(oldest).min();
        }
    }
    Ok(oldest.map(time_out))
}

pub(super) fn events(
    connection: &Connection,
    after: EventId,
    limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let sql = "SELECT id, at, job, aggregation, state, class FROM event WHERE id > ? ORDER BY id LIMIT ?";
    let mut statement = connection.prepare_cached(sql).map_err(meaning)?;
    let after = i64::try_from(after.0).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![after, limit], |row| {
        let wrong =
            |column| rusqlite::Error::InvalidColumnType(column, "event".into(), rusqlite::types::Type::Text);
        Ok(Event {
            id: EventId(row.get(0)?),
            at: time_out(row.get(1)?),
            job: row.get_ref(2)?.as_str()?.parse().map_err(|_| wrong(2))?,
            aggregation: row.get_ref(3)?.as_str()?.parse().map_err(|_| wrong(3))?,
            to: state_out(row.get(4)?).ok_or_else(|| wrong(4))?,
            class: row.get::<_, Option<String>>(5)?.map(Into::into),
        })
    });
    rows.map_err(meaning)?.collect::<Result<_, _>>().map_err(meaning)
}

pub(super) fn last_event(connection: &Connection) -> Result<EventId, StoreError> {
    let id = connection
        .query_row("SELECT last_event FROM meta", [], |row| row.get(0))
        .map_err(meaning)?;
    Ok(EventId(id))
}
