//! Aggregations as rows.

use rusqlite::{Row, params};

use super::{
    columns::{time_in, time_out},
    fault::{meaning, unusable},
    tables::Tables,
};
use crate::{AggregationKey, Standing, StoreError};

/// What [`standing_of`] reads.
pub(super) const STANDING: &str = "SELECT kind, name, settings, pinned, ready, running, scheduled, blocked, \
     pass, rate_moment, held_until FROM aggregation";

/// The aggregation of a row.
pub(super) fn standing_of(row: &Row<'_>) -> Result<(AggregationKey, Standing), StoreError> {
    let read = || -> rusqlite::Result<_> {
        let settings: String = row.get(2)?;
        let standing = Standing {
            pinned: row.get(3)?,
            ready: row.get(4)?,
            running: row.get(5)?,
            scheduled: row.get(6)?,
            blocked: row.get(7)?,
            pass: row.get(8)?,
            rate_moment: row.get(9)?,
            held_until: row.get::<_, Option<i64>>(10)?.map(time_out),
            ..Standing::new(crate::AggregationSettings::default())
        };
        Ok((key_of(row)?, settings, standing))
    };
    let (key, settings, standing) = read().map_err(meaning)?;
    let settings = serde_json::from_str(&settings)
        .map_err(|error| unusable("the limits of an aggregation cannot be read", error))?;
    Ok((key, Standing { settings, ..standing }))
}

/// The key of a row that begins with kind and name.
pub(super) fn key_of(row: &Row<'_>) -> rusqlite::Result<AggregationKey> {
    let (kind, name) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
    let no_key = |error: crate::AggregationKeyError| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
    };
    AggregationKey::new(kind.parse().map_err(no_key)?, name).map_err(no_key)
}

impl Tables<'_> {
    pub(super) fn write_standing(&self, key: &AggregationKey, standing: &Standing) -> Result<(), StoreError> {
        let settings = serde_json::to_string(&standing.settings)
            .map_err(|error| unusable("the limits of an aggregation cannot be written", error))?;
        // Not INSERT OR REPLACE, which would enter the row anew into every index.
        self.run(
            "INSERT INTO aggregation VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
             ON CONFLICT (kind, name) DO UPDATE SET settings = ?3, pinned = ?4, ready = ?5, running = ?6, scheduled = ?7, \
             blocked = ?8, pass = ?9, rate_moment = ?10, held_until = ?11, open = ?12, idle_from = ?13",
            params![
                key.kind().as_str(),
                key.name(),
                settings,
                standing.pinned,
                standing.ready,
                standing.running,
                standing.scheduled,
                standing.blocked,
                standing.pass,
                i64::try_from(standing.rate_moment).unwrap_or(i64::MAX),
                standing.held_until.map(time_in),
                standing.is_open(),
                standing.idle_from().map(time_in),
            ],
        )
    }
}
