//! What is looked for.
//!
//! Places are written out as alternatives, `a > ? OR (a = ? AND b > ?)`: along an index, these servers follow such ranges, and
//! not comparisons of rows.

use mysql_async::{Conn, Row as SqlRow, Value};
use stoa_module::{ModulePath, ModuleVersion};

use super::tables::{get as column, module_of, rows, version_of};
use crate::{
    IndexEntry, IndexError, Listed, MAX_PAGE, ModuleTotals, Timestamp, UseCursor,
    columns::{MODULE_COLUMNS, VERSION_COLUMNS, target},
    range::Range,
};

/// The limit of a page, for a statement.
fn most(limit: usize) -> Value {
    limit.min(MAX_PAGE).into()
}

/// The texts of a place that a page goes on after, before all others if there is none.
fn key(after: Option<&ModuleVersion>) -> [&str; 2] {
    after.map_or(["", ""], |after| {
        [after.path().as_str(), after.version().as_str()]
    })
}

fn target_of(row: &SqlRow) -> Result<ModuleVersion, IndexError> {
    target(&column::<String>(row, 0)?, &column::<String>(row, 1)?)
}

fn entry(row: &SqlRow) -> Result<IndexEntry, IndexError> {
    version_of(row).map(|row| row.entry)
}

pub(super) async fn get(
    connection: &mut Conn,
    target: &ModuleVersion,
) -> Result<Option<IndexEntry>, IndexError> {
    let sql = format!("SELECT {VERSION_COLUMNS} FROM stoa_index_version WHERE module = ? AND version = ?");
    let params = key(Some(target)).map(Value::from).into();
    Ok(rows(connection, &sql, params, entry).await?.pop())
}

pub(super) async fn since(
    connection: &mut Conn,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<Listed>, IndexError> {
    let sql =
        "SELECT module, version, listed FROM stoa_index_version WHERE listed >= ? ORDER BY listed LIMIT ?";
    rows(connection, sql, vec![since.micros().into(), most(limit)], |row| {
        Ok(Listed {
            target: target_of(row)?,
            at: Timestamp::from_micros(column(row, 2)?),
        })
    })
    .await
}

/// Versions and the rebuilds that had begun when something was recorded of them, along the catalog.
pub(super) async fn generations(
    connection: &mut Conn,
    after: Option<&ModuleVersion>,
    limit: usize,
) -> Result<Vec<(ModuleVersion, i64)>, IndexError> {
    let [module, version] = key(after);
    let sql = "SELECT module, version, generation FROM stoa_index_version
        WHERE module > ? OR (module = ? AND version > ?) ORDER BY module, version LIMIT ?";
    let params = vec![module.into(), module.into(), version.into(), most(limit)];
    rows(connection, sql, params, |row| {
        Ok((target_of(row)?, column(row, 2)?))
    })
    .await
}

pub(super) async fn entries(
    connection: &mut Conn,
    range: &Range,
    after: Option<&ModuleVersion>,
    limit: usize,
) -> Result<Vec<IndexEntry>, IndexError> {
    // All of the first module come after the empty version.
    let [module, version] = key(after).max([&range.from, ""]);
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM stoa_index_version
         WHERE (module > ? AND module < ?) OR (module = ? AND module < ? AND version > ?)
         ORDER BY module, version LIMIT ?"
    );
    let below = range.below.as_str();
    let params = vec![
        module.into(),
        below.into(),
        module.into(),
        below.into(),
        version.into(),
        most(limit),
    ];
    rows(connection, &sql, params, entry).await
}

pub(super) async fn by_use(
    connection: &mut Conn,
    after: Option<&UseCursor>,
    limit: usize,
) -> Result<Vec<IndexEntry>, IndexError> {
    let used = after.map_or(-1, |after| after.used.micros());
    let [module, version] = key(after.map(|after| &after.target));
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM stoa_index_version
         WHERE used > ? OR (used = ? AND module > ?) OR (used = ? AND module = ? AND version > ?)
         ORDER BY used, module, version LIMIT ?"
    );
    let params = vec![
        used.into(),
        used.into(),
        module.into(),
        used.into(),
        module.into(),
        version.into(),
        most(limit),
    ];
    rows(connection, &sql, params, entry).await
}

pub(super) async fn modules(
    connection: &mut Conn,
    range: &Range,
    after: Option<&ModulePath>,
    limit: usize,
) -> Result<Vec<ModuleTotals>, IndexError> {
    let sql = format!(
        "SELECT {MODULE_COLUMNS} FROM stoa_index_module WHERE module >= ? AND module > ? AND module < ?
         ORDER BY module LIMIT ?"
    );
    let after = after.map_or("", ModulePath::as_str);
    let params = vec![
        range.from.as_str().into(),
        after.into(),
        range.below.as_str().into(),
        most(limit),
    ];
    rows(connection, &sql, params, module_of).await
}
