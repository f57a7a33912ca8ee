//! Rows in and out of the database.

use mysql_async::{
    Conn, FromValueError, Row as SqlRow, Value,
    prelude::{FromValue, Queryable as _},
};
use stoa_module::{ModulePath, ModuleVersion};

use super::fault::{meaning, misread};
use crate::{
    IndexError, ModuleTotals, Timestamp,
    batch::{Batch, Changes, modules_of},
    columns::{
        META_COLUMNS, MODULE_COLUMNS, VERSION_COLUMNS, VersionColumns, column, columns_of, meta_of,
        totals_of_module,
    },
    row::{Meta, Row},
};

/// How many rows a statement has: a few fixed numbers, so that the server knows the statements.
const PARTS: [usize; 3] = [64, 8, 1];

/// Asks, and makes something of each row.
pub(super) async fn rows<A>(
    connection: &mut Conn,
    sql: &str,
    params: Vec<Value>,
    parse: impl Fn(&SqlRow) -> Result<A, IndexError>,
) -> Result<Vec<A>, IndexError> {
    let rows: Vec<SqlRow> = connection.exec(sql, params).await.map_err(meaning)?;
    rows.iter().map(parse).collect()
}

/// A value of a row.
pub(super) fn get<A: FromValue>(row: &SqlRow, number: usize) -> Result<A, IndexError>
where
    A::Intermediate: TryFrom<Value, Error = FromValueError>,
{
    row.get_opt(number).and_then(Result::ok).ok_or_else(misread)
}

/// A row with the columns of a version.
pub(super) fn version_of(row: &SqlRow) -> Result<Row, IndexError> {
    let columns = VersionColumns {
        module: get(row, 0)?,
        version: get(row, 1)?,
        info: get(row, 2)?,
        go_mod: get(row, 3)?,
        zip: get(row, 4)?,
        go_mod_h1: get(row, 5)?,
        zip_h1: get(row, 6)?,
        origin: get(row, 7)?,
        verified_by: get(row, 8)?,
        first_seen: get(row, 9)?,
        listed: get(row, 10)?,
        last_use: get(row, 11)?,
        used: get(row, 12)?,
        generation: get(row, 13)?,
    };
    columns.parse()
}

/// A row with the columns of a module.
pub(super) fn module_of(row: &SqlRow) -> Result<ModuleTotals, IndexError> {
    let module: String = get(row, 0)?;
    totals_of_module(&module, [get(row, 1)?, get(row, 2)?], get(row, 3)?)
}

fn meta_columns(row: &SqlRow) -> Result<Meta, IndexError> {
    let mut columns = [0; 7];
    for (number, column) in columns.iter_mut().enumerate() {
        *column = get(row, number)?;
    }
    meta_of(columns)
}

pub(super) async fn meta(connection: &mut Conn) -> Result<Meta, IndexError> {
    let sql = format!("SELECT {META_COLUMNS} FROM stoa_index_meta");
    let row: Option<SqlRow> = connection.exec_first(sql, ()).await.map_err(meaning)?;
    meta_columns(&row.ok_or_else(misread)?)
}

/// Begins a transaction that nobody else's overlaps. Returns the time of the server.
pub(super) async fn begin(connection: &mut Conn) -> Result<(Meta, Timestamp), IndexError> {
    connection
        .query_drop("START TRANSACTION")
        .await
        .map_err(meaning)?;
    let sql = format!(
        "SELECT {META_COLUMNS}, CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED) FROM stoa_index_meta FOR UPDATE"
    );
    let row: Option<SqlRow> = connection.exec_first(sql, ()).await.map_err(meaning)?;
    let row = row.ok_or_else(misread)?;
    Ok((meta_columns(&row)?, Timestamp::from_micros(get(&row, 7)?)))
}

/// Begins a transaction, and loads what a batch is about.
pub(super) async fn begin_batch(
    connection: &mut Conn,
    targets: &[ModuleVersion],
) -> Result<Batch, IndexError> {
    let (meta, now) = begin(connection).await?;
    let mut known = vec![];
    for part in parts(targets) {
        let sql = format!(
            "SELECT {VERSION_COLUMNS} FROM stoa_index_version WHERE {}",
            any(KEY, part.len())
        );
        known.extend(rows(connection, &sql, part.iter().flat_map(key).collect(), version_of).await?);
    }
    let mut sums = vec![];
    for part in parts(&modules_of(targets)) {
        let sql = format!(
            "SELECT {MODULE_COLUMNS} FROM stoa_index_module WHERE {}",
            any(MODULE_KEY, part.len())
        );
        sums.extend(rows(connection, &sql, part.iter().map(path).collect(), module_of).await?);
    }
    Ok(Batch::new(now, meta, known, sums))
}

const KEY: &str = "(module = ? AND version = ?)";
const MODULE_KEY: &str = "module = ?";

/// A condition that any of so many keys fulfils.
fn any(key: &str, count: usize) -> String {
    vec![key; count].join(" OR ")
}

fn path(module: &ModulePath) -> Value {
    module.as_str().into()
}

fn key(target: &ModuleVersion) -> [Value; 2] {
    [path(target.path()), target.version().as_str().into()]
}

/// Items by as many as a statement has.
fn parts<A>(mut items: &[A]) -> impl Iterator<Item = &[A]> {
    std::iter::from_fn(move || {
        let len = PARTS.into_iter().find(|len| *len <= items.len())?;
        let (part, rest) = items.split_at(len);
        items = rest;
        Some(part)
    })
}

/// Writes what is kept once, and ends the transaction.
pub(super) async fn commit(connection: &mut Conn, meta: Option<&Meta>) -> Result<(), IndexError> {
    if let Some(meta) = meta {
        let columns = META_COLUMNS.replace(',', " = ?,");
        let values: Vec<Value> = columns_of(meta).map(Value::from).into();
        execute(
            connection,
            &format!("UPDATE stoa_index_meta SET {columns} = ?"),
            values,
        )
        .await?;
    }
    connection.query_drop("COMMIT").await.map_err(meaning)
}

async fn execute(connection: &mut Conn, sql: &str, values: Vec<Value>) -> Result<(), IndexError> {
    connection.exec_drop(sql, values).await.map_err(meaning)
}

/// Writes what a batch has changed, and ends the transaction.
pub(super) async fn commit_batch(connection: &mut Conn, changes: &Changes) -> Result<(), IndexError> {
    for part in parts(&changes.rows_gone) {
        let sql = format!("DELETE FROM stoa_index_version WHERE {}", any(KEY, part.len()));
        execute(connection, &sql, part.iter().flat_map(key).collect()).await?;
    }
    for part in parts(&changes.rows) {
        let sql = insert("stoa_index_version", VERSION_COLUMNS, part.len());
        execute(connection, &sql, part.iter().flat_map(version_values).collect()).await?;
    }
    for part in parts(&changes.rows_found) {
        let sql = format!(
            "UPDATE stoa_index_version SET generation = ? WHERE {}",
            any(KEY, part.len())
        );
        let values = std::iter::once(changes.generation.into()).chain(part.iter().flat_map(key));
        execute(connection, &sql, values.collect()).await?;
    }
    for part in parts(&changes.modules_gone) {
        let sql = format!(
            "DELETE FROM stoa_index_module WHERE {}",
            any(MODULE_KEY, part.len())
        );
        execute(connection, &sql, part.iter().map(path).collect()).await?;
    }
    for part in parts(&changes.modules) {
        let sql = insert("stoa_index_module", MODULE_COLUMNS, part.len());
        execute(connection, &sql, part.iter().flat_map(module_values).collect()).await?;
    }
    commit(connection, changes.meta.as_ref()).await
}

/// A statement that sets so many rows, whether they were there or not.
fn insert(table: &str, columns: &str, rows: usize) -> String {
    let names: Vec<_> = columns.split(", ").map(str::trim).collect();
    let row = format!("({})", vec!["?"; names.len()].join(", "));
    let set: Vec<_> = names
        .iter()
        .map(|name| format!("{name} = VALUES({name})"))
        .collect();
    let (rows, set) = (vec![row.as_str(); rows].join(", "), set.join(", "));
    format!("INSERT INTO {table} ({columns}) VALUES {rows} ON DUPLICATE KEY UPDATE {set}")
}

fn version_values(row: &Row) -> [Value; 14] {
    let row = VersionColumns::of(row);
    [
        row.module.into(),
        row.version.into(),
        row.info.into(),
        row.go_mod.into(),
        row.zip.into(),
        row.go_mod_h1.into(),
        row.zip_h1.into(),
        row.origin.into(),
        row.verified_by.into(),
        row.first_seen.into(),
        row.listed.into(),
        row.last_use.into(),
        row.used.into(),
        row.generation.into(),
    ]
}

fn module_values(totals: &ModuleTotals) -> [Value; 4] {
    [
        path(&totals.module),
        column(totals.versions).into(),
        column(totals.bytes).into(),
        totals.last_use.map(Timestamp::micros).into(),
    ]
}
