//! The stand-in.

use std::env::var_os;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use mongodb::bson::{Binary, Document, doc, spec::BinarySubtype};
use stoa_module::ModuleVersion;
use stoa_module::dirhash::H1;
use stoa_storage::mongo::MongoOptions;
use stoa_storage::{FileKey, FileKind, MongoStorage, Storage};
use tempfile::TempDir;

/// As in `scripts/tools.sh`.
const TOOLS: &str = "mongomock-4.3.0";

/// A running stand-in, which is killed with this value.
pub(crate) struct Fake {
    child: Child,
    pub(crate) url: String,
    pub(crate) spool: TempDir,
    databases: AtomicUsize,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let tools = var_os("STOA_TOOLS").map(PathBuf::from);
        let tools = tools.unwrap_or_else(|| Path::new(&var_os("HOME").unwrap()).join(".cache/stoa/tools"));
        let library = tools.join(TOOLS);
        assert!(
            library.is_dir(),
            "there is no {}: run scripts/tools.sh",
            library.display()
        );
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mongo/fake.py");
        let mut child = Command::new("python3")
            .arg(script)
            .env("PYTHONPATH", library)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port: u16 = line.trim().parse().expect("the stand-in prints its port");
        Self {
            child,
            url: format!("mongodb://127.0.0.1:{port}/"),
            spool: tempfile::tempdir().unwrap(),
            databases: AtomicUsize::new(0),
        }
    }

    /// The options for a database that is empty.
    pub(crate) fn options(&self) -> MongoOptions {
        let n = self.databases.fetch_add(1, Ordering::SeqCst);
        let mut options = MongoOptions::new(&self.url, self.spool.path());
        options.database = format!("db{n}");
        options
    }

    /// A database as a client sees it.
    pub(crate) async fn database(&self, options: &MongoOptions) -> mongodb::Database {
        let client = mongodb::Client::with_uri_str(&self.url).await.unwrap();
        client.database(&options.database)
    }

    /// Lets the next `times` of `command` fail in a way that the storage has to see through.
    pub(crate) async fn fail(&self, command: &str, times: i32, how: Document) {
        let client = mongodb::Client::with_uri_str(&self.url).await.unwrap();
        let mut data = doc! {"failCommands": [command]};
        data.extend(how);
        let order = doc! {"configureFailPoint": "failCommand", "mode": {"times": times}, "data": data};
        client.database("admin").run_command(order).await.unwrap();
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// How many documents a collection has.
pub(crate) async fn count(database: &mongodb::Database, collection: &str) -> usize {
    use futures_util::TryStreamExt as _;
    let collection = database.collection::<Document>(collection);
    let found: Vec<_> = collection
        .find(doc! {})
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    found.len()
}

pub(crate) async fn content(storage: &MongoStorage, key: &FileKey) -> Option<Bytes> {
    let blob = storage.open(key).await.unwrap()?;
    Some(blob.bytes(usize::MAX).await.unwrap())
}

pub(crate) async fn commit(
    storage: &MongoStorage,
    key: &FileKey,
    content: &Bytes,
    h1: Option<&H1>,
) -> stoa_storage::Put {
    let mut stage = storage.stage(key).await.unwrap();
    for piece in content.chunks(100_000) {
        stage.write(content.slice_ref(piece)).await.unwrap();
    }
    stage.commit(h1).await.unwrap()
}

pub(crate) fn key(path: &str, version: &str, kind: FileKind) -> FileKey {
    let target = ModuleVersion::new(path.parse().unwrap(), version.parse().unwrap());
    FileKey::new(target.unwrap(), kind)
}

pub(crate) fn binary(bytes: &[u8]) -> Binary {
    Binary {
        subtype: BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    }
}

/// Bytes that differ at every place.
pub(crate) fn pattern(len: usize) -> Bytes {
    let words = (0..len as u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()[7]);
    words.collect()
}
