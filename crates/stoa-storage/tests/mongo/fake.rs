//! The stand-in.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use mongodb::bson::{Binary, Document, doc, spec::BinarySubtype};
use stoa_module::ModuleVersion;
use stoa_module::dirhash::H1;
use stoa_storage::mongo::MongoOptions;
use stoa_storage::{FileKey, FileKind, MongoStorage, Storage};
use stoa_testing::mongo::MongoStandIn;
use tempfile::TempDir;

/// A running stand-in, which is killed with this value.
pub(crate) struct Fake {
    _server: MongoStandIn,
    pub(crate) url: String,
    pub(crate) spool: TempDir,
    databases: AtomicUsize,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let server = MongoStandIn::start();
        Self {
            url: server.url(),
            _server: server,
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
