//! How a database comes to hold an index.

use tokio_postgres::Client;

use super::fault::{meaning, misread};
use crate::{Fault, IndexError, database::VERSION};

/// Who makes the tables holds this lock. The number means nothing to anybody else: `StoaIndx` in ASCII.
const LOCK: i64 = 0x5374_6f61_496e_6478;

/// Texts compare by their bytes, whatever the database does otherwise.
const TABLES: &str = r#"
CREATE TABLE stoa_index_meta (
    one integer PRIMARY KEY CHECK (one = 1), tables_version bigint NOT NULL, last bigint NOT NULL,
    generation bigint NOT NULL, complete bigint NOT NULL, modules bigint NOT NULL, versions bigint NOT NULL,
    files bigint NOT NULL, bytes bigint NOT NULL
);
CREATE TABLE stoa_index_version (
    module text COLLATE "C" NOT NULL, version text COLLATE "C" NOT NULL, info bigint, go_mod bigint, zip bigint,
    go_mod_h1 bytea, zip_h1 bytea, origin text, verified_by text, first_seen bigint NOT NULL, listed bigint,
    last_use bigint, used bigint NOT NULL, generation bigint NOT NULL, PRIMARY KEY (module, version)
);
CREATE UNIQUE INDEX stoa_index_listed ON stoa_index_version (listed) WHERE listed IS NOT NULL;
CREATE INDEX stoa_index_used ON stoa_index_version (used, module, version);
CREATE TABLE stoa_index_module (
    module text COLLATE "C" PRIMARY KEY, versions bigint NOT NULL, bytes bigint NOT NULL, last_use bigint
);
"#;

/// Makes the tables unless they are there, one node at a time, and refuses those of another version.
pub(super) async fn prepare(client: &Client) -> Result<(), IndexError> {
    let begin = format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK})");
    client.batch_execute(&begin).await.map_err(meaning)?;
    let sql = "SELECT to_regclass('stoa_index_meta') IS NOT NULL";
    let is_there: bool = client
        .query_typed_one(sql, &[])
        .await
        .map_err(meaning)?
        .try_get(0)
        .map_err(misread)?;
    if is_there {
        let sql = "SELECT tables_version FROM stoa_index_meta";
        let found = client.query_typed_opt(sql, &[]).await.map_err(meaning)?;
        let version = found
            .map(|row| row.try_get::<_, i64>(0))
            .transpose()
            .map_err(misread)?;
        if version != Some(VERSION) {
            let version = version.unwrap_or_default();
            let text = format!("its tables are of version {version}, and this program knows {VERSION}");
            return Err(IndexError::Damaged(Fault::new(&text)));
        }
    } else {
        let sql = format!("{TABLES} INSERT INTO stoa_index_meta VALUES (1, {VERSION}, 0, 0, 0, 0, 0, 0, 0)");
        client.batch_execute(&sql).await.map_err(meaning)?;
    }
    client.batch_execute("COMMIT").await.map_err(meaning)
}
