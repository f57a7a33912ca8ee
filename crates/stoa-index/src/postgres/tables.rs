//! Rows in and out of the database.

use stoa_module::{ModulePath, ModuleVersion};
use tokio_postgres::{
    Client, Row as SqlRow,
    types::{ToSql, Type},
};

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

/// A parameter of a statement.
pub(super) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// Asks, and makes something of each row.
pub(super) async fn rows<A>(
    client: &Client,
    sql: &str,
    params: &[Param<'_>],
    parse: impl Fn(&SqlRow) -> Result<A, IndexError>,
) -> Result<Vec<A>, IndexError> {
    let rows = client.query_typed(sql, params).await.map_err(meaning)?;
    rows.iter().map(parse).collect()
}

/// Does something that has no rows.
async fn execute(client: &Client, sql: &str, params: &[Param<'_>]) -> Result<(), IndexError> {
    client.execute_typed(sql, params).await.map_err(meaning).map(drop)
}

/// A row with the columns of a version.
pub(super) fn version_of(row: &SqlRow) -> Result<Row, IndexError> {
    let read = || -> Result<_, tokio_postgres::Error> {
        Ok(VersionColumns {
            module: row.try_get(0)?,
            version: row.try_get(1)?,
            info: row.try_get(2)?,
            go_mod: row.try_get(3)?,
            zip: row.try_get(4)?,
            go_mod_h1: row.try_get(5)?,
            zip_h1: row.try_get(6)?,
            origin: row.try_get(7)?,
            verified_by: row.try_get(8)?,
            first_seen: row.try_get(9)?,
            listed: row.try_get(10)?,
            last_use: row.try_get(11)?,
            used: row.try_get(12)?,
            generation: row.try_get(13)?,
        })
    };
    read().map_err(misread)?.parse()
}

/// A row with the columns of a module.
pub(super) fn module_of(row: &SqlRow) -> Result<ModuleTotals, IndexError> {
    let read = || -> Result<_, tokio_postgres::Error> {
        Ok((
            row.try_get(0)?,
            [row.try_get(1)?, row.try_get(2)?],
            row.try_get(3)?,
        ))
    };
    let (module, sums, last_use): (String, _, _) = read().map_err(misread)?;
    totals_of_module(&module, sums, last_use)
}

fn meta_columns(row: &SqlRow) -> Result<Meta, IndexError> {
    let mut columns = [0; 7];
    for (number, column) in columns.iter_mut().enumerate() {
        *column = row.try_get(number).map_err(misread)?;
    }
    meta_of(columns)
}

pub(super) async fn meta(client: &Client) -> Result<Meta, IndexError> {
    let sql = format!("SELECT {META_COLUMNS} FROM stoa_index_meta");
    meta_columns(&client.query_typed_one(&sql, &[]).await.map_err(meaning)?)
}

/// Begins a transaction that nobody else's overlaps. Returns the time of the server.
pub(super) async fn begin(client: &Client) -> Result<(Meta, Timestamp), IndexError> {
    client.batch_execute("BEGIN").await.map_err(meaning)?;
    let sql = format!(
        "SELECT {META_COLUMNS}, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
         FROM stoa_index_meta FOR UPDATE"
    );
    let row = client.query_typed_one(&sql, &[]).await.map_err(meaning)?;
    let now: i64 = row.try_get(7).map_err(misread)?;
    Ok((meta_columns(&row)?, Timestamp::from_micros(now)))
}

/// Begins a transaction, and loads what a batch is about.
pub(super) async fn begin_batch(client: &Client, targets: &[ModuleVersion]) -> Result<Batch, IndexError> {
    let (meta, now) = begin(client).await?;
    let (modules, versions) = keys(targets);
    let params: [Param<'_>; 2] = [(&modules, Type::TEXT_ARRAY), (&versions, Type::TEXT_ARRAY)];
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM unnest($1, $2) AS key (key_module, key_version)
         JOIN stoa_index_version ON module = key_module AND version = key_version"
    );
    let known = rows(client, &sql, &params, version_of).await?;
    let paths = modules_of(targets);
    let paths: Vec<_> = paths.iter().map(ModulePath::as_str).collect();
    let sql = format!("SELECT {MODULE_COLUMNS} FROM stoa_index_module WHERE module = ANY($1)");
    let sums = rows(client, &sql, &[(&paths, Type::TEXT_ARRAY)], module_of).await?;
    Ok(Batch::new(now, meta, known, sums))
}

fn keys(targets: &[ModuleVersion]) -> (Vec<&str>, Vec<&str>) {
    targets
        .iter()
        .map(|target| (target.path().as_str(), target.version().as_str()))
        .unzip()
}

/// Writes what is kept once, and ends the transaction.
pub(super) async fn commit(client: &Client, meta: Option<&Meta>) -> Result<(), IndexError> {
    if let Some(meta) = meta {
        let columns = columns_of(meta);
        let params: Vec<Param<'_>> = columns
            .iter()
            .map(|column| -> Param<'_> { (column, Type::INT8) })
            .collect();
        let sql = format!("UPDATE stoa_index_meta SET ({META_COLUMNS}) = ($1, $2, $3, $4, $5, $6, $7)");
        execute(client, &sql, &params).await?;
    }
    client.batch_execute("COMMIT").await.map_err(meaning)
}

/// Writes what a batch has changed, and ends the transaction.
pub(super) async fn commit_batch(client: &Client, changes: &Changes) -> Result<(), IndexError> {
    if !changes.rows_gone.is_empty() {
        let (modules, versions) = keys(&changes.rows_gone);
        let params: [Param<'_>; 2] = [(&modules, Type::TEXT_ARRAY), (&versions, Type::TEXT_ARRAY)];
        let sql = "DELETE FROM stoa_index_version USING unnest($1, $2) AS key (key_module, key_version)
            WHERE module = key_module AND version = key_version";
        execute(client, sql, &params).await?;
    }
    if !changes.rows.is_empty() {
        write_rows(client, &changes.rows).await?;
    }
    if !changes.rows_found.is_empty() {
        let (modules, versions) = keys(&changes.rows_found);
        let params: [Param<'_>; 3] = [
            (&modules, Type::TEXT_ARRAY),
            (&versions, Type::TEXT_ARRAY),
            (&changes.generation, Type::INT8),
        ];
        let sql = "UPDATE stoa_index_version SET generation = $3 FROM unnest($1, $2) AS key (key_module, key_version)
            WHERE module = key_module AND version = key_version";
        execute(client, sql, &params).await?;
    }
    if !changes.modules_gone.is_empty() {
        let gone: Vec<_> = changes.modules_gone.iter().map(ModulePath::as_str).collect();
        let sql = "DELETE FROM stoa_index_module WHERE module = ANY($1)";
        execute(client, sql, &[(&gone, Type::TEXT_ARRAY)]).await?;
    }
    if !changes.modules.is_empty() {
        write_modules(client, &changes.modules).await?;
    }
    commit(client, changes.meta.as_ref()).await
}

async fn write_rows(client: &Client, rows: &[Row]) -> Result<(), IndexError> {
    let rows: Vec<_> = rows.iter().map(VersionColumns::of).collect();
    let texts = |of: fn(&VersionColumns) -> &str| rows.iter().map(of).collect::<Vec<_>>();
    let notes = |of: fn(&VersionColumns) -> Option<&str>| rows.iter().map(of).collect::<Vec<_>>();
    let numbers = |of: fn(&VersionColumns) -> Option<i64>| rows.iter().map(of).collect::<Vec<_>>();
    let hashes = |of: fn(&VersionColumns) -> Option<&[u8]>| rows.iter().map(of).collect::<Vec<_>>();
    let names = [texts(|row| &row.module), texts(|row| &row.version)];
    let sizes = [
        numbers(|row| row.info),
        numbers(|row| row.go_mod),
        numbers(|row| row.zip),
    ];
    let sums = [
        hashes(|row| row.go_mod_h1.as_deref()),
        hashes(|row| row.zip_h1.as_deref()),
    ];
    let known = [
        notes(|row| row.origin.as_deref()),
        notes(|row| row.verified_by.as_deref()),
    ];
    let times = [
        numbers(|row| Some(row.first_seen)),
        numbers(|row| row.listed),
        numbers(|row| row.last_use),
        numbers(|row| Some(row.used)),
        numbers(|row| Some(row.generation)),
    ];
    let mut params: Vec<Param<'_>> = vec![];
    params.extend(
        names
            .iter()
            .map(|values| -> Param<'_> { (values, Type::TEXT_ARRAY) }),
    );
    params.extend(
        sizes
            .iter()
            .map(|values| -> Param<'_> { (values, Type::INT8_ARRAY) }),
    );
    params.extend(
        sums.iter()
            .map(|values| -> Param<'_> { (values, Type::BYTEA_ARRAY) }),
    );
    params.extend(
        known
            .iter()
            .map(|values| -> Param<'_> { (values, Type::TEXT_ARRAY) }),
    );
    params.extend(
        times
            .iter()
            .map(|values| -> Param<'_> { (values, Type::INT8_ARRAY) }),
    );
    let sql = format!(
        "INSERT INTO stoa_index_version ({VERSION_COLUMNS})
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT (module, version) DO UPDATE SET info = excluded.info, go_mod = excluded.go_mod, zip = excluded.zip,
            go_mod_h1 = excluded.go_mod_h1, zip_h1 = excluded.zip_h1, origin = excluded.origin,
            verified_by = excluded.verified_by, first_seen = excluded.first_seen, listed = excluded.listed,
            last_use = excluded.last_use, used = excluded.used, generation = excluded.generation"
    );
    execute(client, &sql, &params).await
}

async fn write_modules(client: &Client, modules: &[ModuleTotals]) -> Result<(), IndexError> {
    let paths: Vec<_> = modules.iter().map(|totals| totals.module.as_str()).collect();
    let versions: Vec<_> = modules.iter().map(|totals| column(totals.versions)).collect();
    let bytes: Vec<_> = modules.iter().map(|totals| column(totals.bytes)).collect();
    let uses: Vec<_> = modules
        .iter()
        .map(|totals| totals.last_use.map(Timestamp::micros))
        .collect();
    let params: [Param<'_>; 4] = [
        (&paths, Type::TEXT_ARRAY),
        (&versions, Type::INT8_ARRAY),
        (&bytes, Type::INT8_ARRAY),
        (&uses, Type::INT8_ARRAY),
    ];
    let sql = format!(
        "INSERT INTO stoa_index_module ({MODULE_COLUMNS}) SELECT * FROM unnest($1, $2, $3, $4)
         ON CONFLICT (module) DO UPDATE SET versions = excluded.versions, bytes = excluded.bytes,
            last_use = excluded.last_use"
    );
    execute(client, &sql, &params).await
}
