//! The tables as the ledger of a transaction.

use std::sync::Arc;

use rusqlite::params;

use super::{
    columns::{state_in, time_in, time_out},
    lanes::{self, STANDING, standing_of},
    rows,
    tables::Tables,
};
use crate::{
    AggregationKey, Fingerprint, Job, JobId, Kind, Ledger, Moment, Record, Standing, StateName, StoreError,
    Timestamp,
};

// Limits stand in the text of a statement: SQLite prepares one anew whenever a limit is bound to it.

/// The column of a moment.
fn column(moment: Moment) -> &'static str {
    match moment {
        Moment::LeaseEnd => "lease_until",
        Moment::Deadline => "deadline",
        Moment::Removal => "removal",
    }
}

impl Ledger for Tables<'_> {
    fn load(&mut self, id: &JobId) -> Result<Option<Record>, StoreError> {
        self.record("WHERE job.id = ?", [id.as_str()])
    }

    fn live(&mut self, fingerprint: &Fingerprint) -> Result<Option<JobId>, StoreError> {
        let sql = "SELECT id FROM job WHERE fingerprint = ?";
        self.one(sql, [fingerprint.as_str()], |row| rows::parsed(row, 0))
    }

    fn insert(&mut self, record: &Record) -> Result<(), StoreError> {
        self.write_row(record)?;
        self.write_body(record)?;
        self.write_parents(record, 0)?;
        self.count(record.job.state.name(), 1);
        Ok(())
    }

    fn update(&mut self, before: &Record, record: &Record) -> Result<(), StoreError> {
        self.change_row(record)?;
        if !rows::is_same_body(&before.job, &record.job) {
            self.write_body(record)?;
        }
        if before.job.parents != record.job.parents {
            let known = if record.job.parents.starts_with(&before.job.parents) {
                before.job.parents.len()
            } else {
                0
            };
            if known == 0 {
                self.forget_parents(before)?;
            }
            self.write_parents(record, known)?;
        }
        self.count(before.job.state.name(), -1);
        self.count(record.job.state.name(), 1);
        Ok(())
    }

    fn remove(&mut self, record: &Record) -> Result<(), StoreError> {
        self.forget_parents(record)?;
        self.run("DELETE FROM body WHERE number = ?", [record.number])?;
        self.run("DELETE FROM job WHERE number = ?", [record.number])?;
        self.count(record.job.state.name(), -1);
        Ok(())
    }

    fn next_number(&mut self) -> Result<u64, StoreError> {
        self.volatile.last_number += 1;
        Ok(self.volatile.last_number)
    }

    fn next_turn(&mut self) -> Result<i64, StoreError> {
        self.volatile.last_turn += 1;
        Ok(self.volatile.last_turn)
    }

    fn event(
        &mut self,
        at: Timestamp,
        job: &Job,
        to: StateName,
        class: Option<&Arc<str>>,
    ) -> Result<(), StoreError> {
        self.volatile.last_event += 1;
        self.run(
            "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)",
            params![
                self.volatile.last_event,
                time_in(at),
                job.id.as_str(),
                job.aggregation.to_string(),
                state_in(to),
                class.map(|class| &**class)
            ],
        )
    }

    fn standing(&mut self, key: &AggregationKey) -> Result<Option<Standing>, StoreError> {
        let sql = format!("{STANDING} WHERE kind = ? AND name = ?");
        let values = [key.kind().as_str(), key.name()];
        let found = self.one(&sql, values, |row| Ok(standing_of(row)))?.transpose()?;
        Ok(found.map(|(_, standing)| standing))
    }

    fn set_standing(&mut self, key: &AggregationKey, standing: Option<&Standing>) -> Result<(), StoreError> {
        if let Some(standing) = standing {
            return self.write_standing(key, standing);
        }
        let values = [key.kind().as_str(), key.name()];
        self.run("DELETE FROM aggregation WHERE kind = ? AND name = ?", values)
    }

    fn tide(&mut self, kind: &Kind) -> Result<i64, StoreError> {
        let tide = self.one("SELECT tide FROM tide WHERE kind = ?", [kind.as_str()], |row| {
            row.get(0)
        })?;
        Ok(tide.unwrap_or_default())
    }

    fn set_tide(&mut self, kind: &Kind, tide: i64) -> Result<(), StoreError> {
        self.run(
            "INSERT OR REPLACE INTO tide VALUES (?, ?)",
            params![kind.as_str(), tide],
        )
    }

    fn first_open(&mut self, kind: &Kind) -> Result<Option<(AggregationKey, i64)>, StoreError> {
        let sql =
            "SELECT kind, name, pass FROM aggregation WHERE open = 1 AND kind = ? ORDER BY pass LIMIT 1";
        self.one(sql, [kind.as_str()], |row| Ok((lanes::key_of(row)?, row.get(2)?)))
    }

    fn first_ready(&mut self, key: &AggregationKey) -> Result<Option<Record>, StoreError> {
        let condition = "WHERE state = 0 AND aggregation = ? ORDER BY priority, turn LIMIT 1";
        self.record(condition, [key.to_string()])
    }

    fn due(&mut self, kind: &Kind, now: Timestamp, limit: usize) -> Result<Vec<JobId>, StoreError> {
        let sql = format!("SELECT id FROM job WHERE kind = ? AND due <= ? ORDER BY due LIMIT {limit}");
        self.all(&sql, params![kind.as_str(), time_in(now)], |row| {
            rows::parsed(row, 0)
        })
    }

    fn first_due(&mut self, kind: &Kind) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT due FROM job WHERE kind = ? AND due IS NOT NULL ORDER BY due LIMIT 1";
        self.one(sql, [kind.as_str()], |row| Ok(time_out(row.get(0)?)))
    }

    fn held(&mut self, kind: &Kind, now: Timestamp, limit: usize) -> Result<Vec<AggregationKey>, StoreError> {
        let sql = format!(
            "SELECT kind, name FROM aggregation WHERE kind = ? AND held_until <= ? ORDER BY held_until LIMIT {limit}"
        );
        self.all(&sql, params![kind.as_str(), time_in(now)], lanes::key_of)
    }

    fn first_held(&mut self, kind: &Kind) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT held_until FROM aggregation WHERE kind = ? AND held_until IS NOT NULL ORDER BY held_until LIMIT 1";
        self.one(sql, [kind.as_str()], |row| Ok(time_out(row.get(0)?)))
    }

    fn passed(&mut self, moment: Moment, now: Timestamp, limit: usize) -> Result<Vec<JobId>, StoreError> {
        let column = column(moment);
        let sql = format!("SELECT id FROM job WHERE {column} <= ? ORDER BY {column} LIMIT {limit}");
        self.all(&sql, [time_in(now)], |row| rows::parsed(row, 0))
    }

    fn first(&mut self, moment: Moment) -> Result<Option<Timestamp>, StoreError> {
        let column = column(moment);
        let sql = format!("SELECT {column} FROM job WHERE {column} IS NOT NULL ORDER BY {column} LIMIT 1");
        self.one(&sql, [], |row| Ok(time_out(row.get(0)?)))
    }

    fn idle(&mut self, now: Timestamp, limit: usize) -> Result<Vec<AggregationKey>, StoreError> {
        let sql = format!(
            "SELECT kind, name FROM aggregation WHERE idle_from <= ? ORDER BY idle_from LIMIT {limit}"
        );
        self.all(&sql, [time_in(now)], lanes::key_of)
    }
}
