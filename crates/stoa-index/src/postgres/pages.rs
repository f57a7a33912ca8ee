//! What is looked for.

use stoa_module::{ModulePath, ModuleVersion};
use tokio_postgres::{
    Client, Row as SqlRow,
    types::{FromSql, Type},
};

use super::{
    fault::{meaning, misread},
    tables::{Param, module_of, rows, version_of},
};
use crate::{
    IndexEntry, IndexError, Listed, MAX_PAGE, ModuleTotals, Timestamp, UseCursor,
    columns::{MODULE_COLUMNS, VERSION_COLUMNS, target},
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

fn column<'a, A: FromSql<'a>>(row: &'a SqlRow, number: usize) -> Result<A, IndexError> {
    row.try_get(number).map_err(misread)
}

fn target_of(row: &SqlRow) -> Result<ModuleVersion, IndexError> {
    target(column(row, 0)?, column(row, 1)?)
}

fn entry(row: &SqlRow) -> Result<IndexEntry, IndexError> {
    version_of(row).map(|row| row.entry)
}

pub(super) async fn get(client: &Client, target: &ModuleVersion) -> Result<Option<IndexEntry>, IndexError> {
    let [module, version] = key(Some(target));
    let sql = format!("SELECT {VERSION_COLUMNS} FROM stoa_index_version WHERE module = $1 AND version = $2");
    let params: [Param<'_>; 2] = [(&module, Type::TEXT), (&version, Type::TEXT)];
    let found = client.query_typed_opt(&sql, &params).await.map_err(meaning)?;
    found.as_ref().map(entry).transpose()
}

pub(super) async fn since(
    client: &Client,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<Listed>, IndexError> {
    let sql =
        "SELECT module, version, listed FROM stoa_index_version WHERE listed >= $1 ORDER BY listed LIMIT $2";
    rows(
        client,
        sql,
        &[(&since.micros(), Type::INT8), (&most(limit), Type::INT8)],
        |row| {
            Ok(Listed {
                target: target_of(row)?,
                at: Timestamp::from_micros(column(row, 2)?),
            })
        },
    )
    .await
}

/// Versions and the rebuilds that had begun when something was recorded of them, along the catalog.
pub(super) async fn generations(
    client: &Client,
    after: Option<&ModuleVersion>,
    limit: usize,
) -> Result<Vec<(ModuleVersion, i64)>, IndexError> {
    let [module, version] = key(after);
    let sql = "SELECT module, version, generation FROM stoa_index_version WHERE (module, version) > ($1, $2)
        ORDER BY module, version LIMIT $3";
    let params: [Param<'_>; 3] = [
        (&module, Type::TEXT),
        (&version, Type::TEXT),
        (&most(limit), Type::INT8),
    ];
    rows(client, sql, &params, |row| Ok((target_of(row)?, column(row, 2)?))).await
}

pub(super) async fn entries(
    client: &Client,
    range: &Range,
    after: Option<&ModuleVersion>,
    limit: usize,
) -> Result<Vec<IndexEntry>, IndexError> {
    // All of the first module come after the empty version.
    let [module, version] = key(after).max([&range.from, ""]);
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM stoa_index_version WHERE (module, version) > ($1, $2) AND module < $3
         ORDER BY module, version LIMIT $4"
    );
    let params: [Param<'_>; 4] = [
        (&module, Type::TEXT),
        (&version, Type::TEXT),
        (&range.below, Type::TEXT),
        (&most(limit), Type::INT8),
    ];
    rows(client, &sql, &params, entry).await
}

pub(super) async fn by_use(
    client: &Client,
    after: Option<&UseCursor>,
    limit: usize,
) -> Result<Vec<IndexEntry>, IndexError> {
    let used = after.map_or(-1, |after| after.used.micros());
    let [module, version] = key(after.map(|after| &after.target));
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM stoa_index_version WHERE (used, module, version) > ($1, $2, $3)
         ORDER BY used, module, version LIMIT $4"
    );
    let params: [Param<'_>; 4] = [
        (&used, Type::INT8),
        (&module, Type::TEXT),
        (&version, Type::TEXT),
        (&most(limit), Type::INT8),
    ];
    rows(client, &sql, &params, entry).await
}

pub(super) async fn modules(
    client: &Client,
    range: &Range,
    after: Option<&ModulePath>,
    limit: usize,
) -> Result<Vec<ModuleTotals>, IndexError> {
    let sql = format!(
        "SELECT {MODULE_COLUMNS} FROM stoa_index_module WHERE module >= $1 AND module > $2 AND module < $3
         ORDER BY module LIMIT $4"
    );
    let after = after.map_or("", ModulePath::as_str);
    let params: [Param<'_>; 4] = [
        (&range.from, Type::TEXT),
        (&after, Type::TEXT),
        (&range.below, Type::TEXT),
        (&most(limit), Type::INT8),
    ];
    rows(client, &sql, &params, module_of).await
}
