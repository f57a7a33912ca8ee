//! How a database comes to hold an index.

use mysql_async::{Conn, prelude::Queryable as _};

use super::fault::meaning;
use crate::{Fault, IndexError, database::VERSION};

/// Names are bytes: they differ by case, end with no spaces, and their lengths are within those of an index. Statements that
/// make tables end transactions here, so that each is done only if its table is not there.
const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS stoa_index_version (
        module VARBINARY(2048) NOT NULL, version VARBINARY(512) NOT NULL, info BIGINT, go_mod BIGINT, zip BIGINT,
        go_mod_h1 VARBINARY(32), zip_h1 VARBINARY(32), origin VARBINARY(256), verified_by VARBINARY(128),
        first_seen BIGINT NOT NULL, listed BIGINT, last_use BIGINT, used BIGINT NOT NULL, generation BIGINT NOT NULL,
        PRIMARY KEY (module, version), KEY (listed), KEY (used, module, version)
    ) ENGINE = InnoDB, ROW_FORMAT = DYNAMIC",
    "CREATE TABLE IF NOT EXISTS stoa_index_module (
        module VARBINARY(2048) NOT NULL PRIMARY KEY, versions BIGINT NOT NULL, bytes BIGINT NOT NULL, last_use BIGINT
    ) ENGINE = InnoDB, ROW_FORMAT = DYNAMIC",
    "CREATE TABLE IF NOT EXISTS stoa_index_meta (
        one INTEGER NOT NULL PRIMARY KEY, tables_version BIGINT NOT NULL, last BIGINT NOT NULL,
        generation BIGINT NOT NULL, complete BIGINT NOT NULL, modules BIGINT NOT NULL, versions BIGINT NOT NULL,
        files BIGINT NOT NULL, bytes BIGINT NOT NULL
    ) ENGINE = InnoDB",
];

/// Makes the tables unless they are there, and refuses those of another version. Nodes that do so at the same time make the
/// same, and one of them makes the row of what is kept once.
pub(super) async fn prepare(connection: &mut Conn) -> Result<(), IndexError> {
    let sql = "SELECT COUNT(*) FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_name = 'stoa_index_meta'";
    let is_there: Option<i64> = connection.query_first(sql).await.map_err(meaning)?;
    if is_there == Some(0) {
        for table in TABLES {
            connection.query_drop(table).await.map_err(meaning)?;
        }
    }
    let sql = "SELECT tables_version FROM stoa_index_meta";
    let mut version: Option<i64> = connection.query_first(sql).await.map_err(meaning)?;
    if version.is_none() {
        let row = format!("INSERT IGNORE INTO stoa_index_meta VALUES (1, {VERSION}, 0, 0, 0, 0, 0, 0, 0)");
        connection.query_drop(row).await.map_err(meaning)?;
        version = Some(VERSION);
    }
    match version {
        Some(VERSION) => Ok(()),
        version => {
            let version = version.unwrap_or_default();
            let text = format!("its tables are of version {version}, and this program knows {VERSION}");
            Err(IndexError::Damaged(Fault::new(&text)))
        }
    }
}
