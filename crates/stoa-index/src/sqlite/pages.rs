//! What is looked for, beside what writes.

use rusqlite::{Connection, Params, Row as SqlRow, params};
use stoa_module::{ModulePath, ModuleVersion};

use super::{
    fault::meaning,
    tables::{module_of, version_of},
};
use crate::{
    IndexEntry, IndexError, Listed, MAX_PAGE, ModuleTotals, Timestamp, UseCursor,
    columns::{MODULE_COLUMNS, VERSION_COLUMNS, VersionColumns, target, totals_of_module},
    range::Range,
};

/// The limit of a page, for a statement.
fn most(limit: usize) -> i64 {
    i64::try_from(limit.min(MAX_PAGE)).unwrap_or_default()
}

/// The texts of a place that a page goes on after, before all others if there is none.
fn key(after: Option<&ModuleVersion>) -> [&str; 2] {
    after.map_or(["", ""], |after| {
        [after.path().as_str(), after.version().as_str()]
    })
}

/// Reads rows, and makes something of each.
fn rows<R, A>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&SqlRow<'_>) -> rusqlite::Result<R>,
    parse: impl Fn(R) -> Result<A, IndexError>,
) -> Result<Vec<A>, IndexError> {
    let mut statement = connection.prepare_cached(sql).map_err(meaning)?;
    let rows = statement.query_map(params, |row| read(row)).map_err(meaning)?;
    rows.map(|row| row.map_err(meaning).and_then(&parse)).collect()
}

fn entry(columns: VersionColumns) -> Result<IndexEntry, IndexError> {
    columns.parse().map(|row| row.entry)
}

pub(super) fn since(
    connection: &Connection,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<Listed>, IndexError> {
    let sql = "SELECT module, version, listed FROM version WHERE listed >= ? ORDER BY listed LIMIT ?";
    let read = |row: &SqlRow<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?));
    rows(
        connection,
        sql,
        params![since.micros(), most(limit)],
        read,
        |(module, version, at)| {
            Ok(Listed {
                target: target(&module, &version)?,
                at: Timestamp::from_micros(at),
            })
        },
    )
}

pub(super) fn catalog(
    connection: &Connection,
    after: Option<&ModuleVersion>,
    limit: usize,
) -> Result<Vec<ModuleVersion>, IndexError> {
    let sql = "SELECT module, version FROM version WHERE (module, version) > (?, ?) ORDER BY module, version LIMIT ?";
    let [module, version] = key(after);
    let read = |row: &SqlRow<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    rows(
        connection,
        sql,
        params![module, version, most(limit)],
        read,
        |(module, version)| target(&module, &version),
    )
}

/// Versions and the rebuilds that had begun when something was recorded of them, along the catalog.
pub(super) fn generations(
    connection: &Connection,
    after: Option<&ModuleVersion>,
    limit: usize,
) -> Result<Vec<(ModuleVersion, i64)>, IndexError> {
    let sql = "SELECT module, version, generation FROM version WHERE (module, version) > (?, ?)
        ORDER BY module, version LIMIT ?";
    let [module, version] = key(after);
    let read = |row: &SqlRow<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?));
    rows(
        connection,
        sql,
        params![module, version, most(limit)],
        read,
        |(module, version, generation)| Ok((target(&module, &version)?, generation)),
    )
}

pub(super) fn entries(
    connection: &Connection,
    range: &Range,
    after: Option<&ModuleVersion>,
    limit: usize,
) -> Result<Vec<IndexEntry>, IndexError> {
    // All of the first module come after the empty version.
    let [module, version] = key(after).max([&range.from, ""]);
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM version WHERE (module, version) > (?, ?) AND module < ?
         ORDER BY module, version LIMIT ?"
    );
    let params = params![module, version, range.below, most(limit)];
    rows(connection, &sql, params, version_of, entry)
}

pub(super) fn by_use(
    connection: &Connection,
    after: Option<&UseCursor>,
    limit: usize,
) -> Result<Vec<IndexEntry>, IndexError> {
    let used = after.map_or(-1, |after| after.used.micros());
    let [module, version] = key(after.map(|after| &after.target));
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM version WHERE (used, module, version) > (?, ?, ?)
         ORDER BY used, module, version LIMIT ?"
    );
    rows(
        connection,
        &sql,
        params![used, module, version, most(limit)],
        version_of,
        entry,
    )
}

pub(super) fn modules(
    connection: &Connection,
    range: &Range,
    after: Option<&ModulePath>,
    limit: usize,
) -> Result<Vec<ModuleTotals>, IndexError> {
    let sql = format!(
        "SELECT {MODULE_COLUMNS} FROM module WHERE module >= ? AND module > ? AND module < ? ORDER BY module LIMIT ?"
    );
    let after = after.map_or("", ModulePath::as_str);
    let params = params![range.from, after, range.below, most(limit)];
    rows(connection, &sql, params, module_of, |(module, sums, last_use)| {
        totals_of_module(&module, sums, last_use)
    })
}
