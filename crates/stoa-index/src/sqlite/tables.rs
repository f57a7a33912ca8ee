//! Rows in and out of the file.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params};
use stoa_module::{ModulePath, ModuleVersion};

use super::fault::meaning;
use crate::{
    IndexError, ModuleTotals, Timestamp,
    batch::{Batch, Changes, modules_of},
    columns::{
        META_COLUMNS, MODULE_COLUMNS, VERSION_COLUMNS, VersionColumns, column, columns_of, meta_of,
        totals_of_module,
    },
    row::{Meta, Row},
};

/// A row with the columns of a version.
pub(super) fn version_of(row: &SqlRow<'_>) -> rusqlite::Result<VersionColumns> {
    Ok(VersionColumns {
        module: row.get(0)?,
        version: row.get(1)?,
        info: row.get(2)?,
        go_mod: row.get(3)?,
        zip: row.get(4)?,
        go_mod_h1: row.get(5)?,
        zip_h1: row.get(6)?,
        origin: row.get(7)?,
        verified_by: row.get(8)?,
        first_seen: row.get(9)?,
        listed: row.get(10)?,
        last_use: row.get(11)?,
        used: row.get(12)?,
        generation: row.get(13)?,
    })
}

/// A row with the columns of a module.
pub(super) fn module_of(row: &SqlRow<'_>) -> rusqlite::Result<(String, [i64; 2], Option<i64>)> {
    Ok((row.get(0)?, [row.get(1)?, row.get(2)?], row.get(3)?))
}

pub(super) fn meta(connection: &Connection) -> Result<Meta, IndexError> {
    let sql = format!("SELECT {META_COLUMNS} FROM meta");
    let mut statement = connection.prepare_cached(&sql).map_err(meaning)?;
    let columns = statement.query_row([], |row| {
        let mut columns = [0; 7];
        for (number, column) in columns.iter_mut().enumerate() {
            *column = row.get(number)?;
        }
        Ok(columns)
    });
    meta_of(columns.map_err(meaning)?)
}

pub(super) fn version(connection: &Connection, target: &ModuleVersion) -> Result<Option<Row>, IndexError> {
    let sql = format!("SELECT {VERSION_COLUMNS} FROM version WHERE module = ? AND version = ?");
    let mut statement = connection.prepare_cached(&sql).map_err(meaning)?;
    let key = [target.path().as_str(), target.version().as_str()];
    let found = statement.query_row(key, version_of).optional().map_err(meaning)?;
    found.map(VersionColumns::parse).transpose()
}

fn module(connection: &Connection, module: &ModulePath) -> Result<Option<ModuleTotals>, IndexError> {
    let sql = format!("SELECT {MODULE_COLUMNS} FROM module WHERE module = ?");
    let mut statement = connection.prepare_cached(&sql).map_err(meaning)?;
    let found = statement
        .query_row([module.as_str()], module_of)
        .optional()
        .map_err(meaning)?;
    let parse = |(module, sums, last_use): (String, _, _)| totals_of_module(&module, sums, last_use);
    found.map(parse).transpose()
}

/// Loads what a batch is about.
pub(super) fn begin(connection: &Connection, targets: &[ModuleVersion]) -> Result<Batch, IndexError> {
    let mut rows = vec![];
    for target in targets {
        rows.extend(version(connection, target)?);
    }
    let mut modules = vec![];
    for path in modules_of(targets) {
        modules.extend(module(connection, &path)?);
    }
    Ok(Batch::new(
        SystemTime::now().into(),
        meta(connection)?,
        rows,
        modules,
    ))
}

pub(super) fn write_meta(connection: &Connection, meta: &Meta) -> Result<(), IndexError> {
    let sql = format!("UPDATE meta SET ({META_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?)");
    let mut statement = connection.prepare_cached(&sql).map_err(meaning)?;
    statement.execute(columns_of(meta)).map_err(meaning)?;
    Ok(())
}

/// Writes what a batch has changed.
pub(super) fn write(connection: &Connection, changes: &Changes) -> Result<(), IndexError> {
    let prepare = |sql: &str| connection.prepare_cached(sql).map_err(meaning);
    let mut statement = prepare("DELETE FROM version WHERE module = ? AND version = ?")?;
    for target in &changes.rows_gone {
        let key = [target.path().as_str(), target.version().as_str()];
        statement.execute(key).map_err(meaning)?;
    }
    let sql = format!(
        "INSERT OR REPLACE INTO version ({VERSION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    );
    let mut statement = prepare(&sql)?;
    for row in &changes.rows {
        let c = VersionColumns::of(row);
        let values = params![
            c.module,
            c.version,
            c.info,
            c.go_mod,
            c.zip,
            c.go_mod_h1,
            c.zip_h1,
            c.origin,
            c.verified_by,
            c.first_seen,
            c.listed,
            c.last_use,
            c.used,
            c.generation
        ];
        statement.execute(values).map_err(meaning)?;
    }
    let mut statement = prepare("UPDATE version SET generation = ? WHERE module = ? AND version = ?")?;
    for target in &changes.rows_found {
        let values = params![
            changes.generation,
            target.path().as_str(),
            target.version().as_str()
        ];
        statement.execute(values).map_err(meaning)?;
    }
    let mut statement = prepare("DELETE FROM module WHERE module = ?")?;
    for module in &changes.modules_gone {
        statement.execute([module.as_str()]).map_err(meaning)?;
    }
    let sql = format!("INSERT OR REPLACE INTO module ({MODULE_COLUMNS}) VALUES (?, ?, ?, ?)");
    let mut statement = prepare(&sql)?;
    for totals in &changes.modules {
        let last_use = totals.last_use.map(Timestamp::micros);
        let values = params![
            totals.module.as_str(),
            column(totals.versions),
            column(totals.bytes),
            last_use
        ];
        statement.execute(values).map_err(meaning)?;
    }
    changes
        .meta
        .as_ref()
        .map_or(Ok(()), |meta| write_meta(connection, meta))
}
