//! The collections.

use std::future::IntoFuture;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use mongodb::action::Find;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::{Acknowledgment, ClientOptions, IndexOptions, ReadConcern, WriteConcern};
use mongodb::{Client, Collection, IndexModel};
use tokio::time::timeout;

use super::failure::{failure, is_duplicate};
use super::options::MongoOptions;
use crate::error::StorageError;
use crate::remote_fault::RemoteFault;

/// The database, of which every operation has a deadline.
#[derive(Clone, Debug)]
pub(super) struct Database {
    inner: mongodb::Database,
    deadline: Duration,
}

impl Database {
    /// Makes the client. Nothing is asked yet.
    pub(super) async fn connect(options: &MongoOptions) -> Result<Self, StorageError> {
        let parsed = ClientOptions::parse(&options.url).await;
        let mut client = parsed.map_err(|error| match *error.kind {
            // What is wrong with a URL may repeat a part of it, and it has a password in it.
            ErrorKind::InvalidArgument { .. } => StorageError::InvalidUrl {
                reason: "it is no connection string of MongoDB, such as mongodb://host/ with what is special in the \
                         password percent-encoded"
                    .to_owned(),
            },
            _ => failure("look up", "the hosts of the connection string", error),
        })?;
        client.app_name.get_or_insert_with(|| "stoa".to_owned());
        client.max_pool_size = Some(options.connections.max(1));
        client.server_selection_timeout = Some(options.deadline);
        client.connect_timeout.get_or_insert(options.deadline);
        // A write that a new primary would not know of is not stored, and what it would not know of is not read.
        let journaled = WriteConcern::builder().w(Acknowledgment::Majority).journal(true);
        client.write_concern = Some(journaled.build());
        client.read_concern = Some(ReadConcern::majority());
        client.selection_criteria = None;
        let client =
            Client::with_options(client).map_err(|error| failure("prepare", "the connection", error))?;
        Ok(Self {
            inner: client.database(&options.database),
            deadline: options.deadline,
        })
    }

    pub(super) fn name(&self) -> &str {
        self.inner.name()
    }

    pub(super) fn collection(&self, name: &str) -> Collection<Document> {
        self.inner.collection(name)
    }

    /// Does one operation in time.
    pub(super) async fn run<T>(
        &self,
        action: &'static str,
        place: &str,
        operation: impl IntoFuture<Output = Result<T, Error>>,
    ) -> Result<T, StorageError> {
        match timeout(self.deadline, operation.into_future()).await {
            Ok(done) => done.map_err(|error| failure(action, place, error)),
            Err(elapsed) => Err(StorageError::remote(RemoteFault::Away, action, place, elapsed)),
        }
    }

    /// Does one operation in time that adds something; `None` if that is there already.
    pub(super) async fn add<T>(
        &self,
        place: &str,
        operation: impl IntoFuture<Output = Result<T, Error>>,
    ) -> Result<Option<T>, StorageError> {
        let operation = operation.into_future();
        let adding = async {
            match operation.await {
                Ok(added) => Ok(Some(added)),
                Err(error) if is_duplicate(&error) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.run("store", place, adding).await
    }

    /// All documents of a question that has a limit of its own.
    pub(super) async fn all(
        &self,
        place: &str,
        question: Find<'_, Document>,
    ) -> Result<Vec<Document>, StorageError> {
        let asking = async { question.await?.try_collect().await };
        self.run("list", place, asking).await
    }

    pub(super) async fn index(
        &self,
        collection: &str,
        keys: Document,
        unique: bool,
    ) -> Result<(), StorageError> {
        let options = IndexOptions::builder().unique(unique).build();
        let model = IndexModel::builder().keys(keys).options(options).build();
        let collection = self.collection(collection);
        let place = collection.name().to_owned();
        self.run("index", &place, collection.create_index(model))
            .await
            .map(drop)
    }

    /// Writes something, and sees that it was acknowledged.
    pub(super) async fn check(&self) -> Result<(), StorageError> {
        let checks = self.collection("stoa_checks");
        let now = mongodb::bson::DateTime::now();
        let writing = checks
            .update_one(doc! {"_id": "check"}, doc! {"$set": {"at": now}})
            .upsert(true);
        self.add("stoa_checks", writing).await.map(drop)
    }
}

/// The number, whichever type of them it was written as.
pub(super) fn number(document: &Document, name: &str) -> Option<u64> {
    match document.get(name)? {
        Bson::Int32(number) => u64::try_from(*number).ok(),
        Bson::Int64(number) => u64::try_from(*number).ok(),
        Bson::Double(number) if number.fract() == 0.0 && (0.0..9e15).contains(number) => {
            // Whole and small enough, so that nothing is lost.
            format!("{number:.0}").parse().ok()
        }
        _ => None,
    }
}

/// A size as the database keeps it. None is larger than what a file can have.
pub(super) fn size(len: u64) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

/// Bytes as the database keeps them.
pub(super) fn binary(bytes: &[u8]) -> Bson {
    Bson::Binary(mongodb::bson::Binary {
        subtype: mongodb::bson::spec::BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    })
}
