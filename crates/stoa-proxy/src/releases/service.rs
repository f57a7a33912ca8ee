//! Answers to what is asked of release archives.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use stoa_fetch::{Context, FetchError, NotFound, ReleaseServer};
use stoa_storage::Storage;
use tokio_util::task::TaskTracker;

use super::{
    files::Files,
    index::ReleaseFile,
    indexes::{IndexOptions, Indexes},
    metrics::ReleaseMetrics,
    name::ReleaseName,
    pump::hex,
    request::{IndexKind, ReleaseRequest},
};
use crate::{BreakMetrics, Content, Outcome, ProxyError};

/// What people are told.
const PAGE: &str = "Release archives of Go, as https://go.dev/dl/ has them.\n\
    ?mode=json lists the latest releases, ?mode=json&include=all lists all; FILE, FILE.sha256 and FILE.asc are below.\n";

/// Answers what is asked of release archives: an index of them, archives, their checksums and signatures.
///
/// * An archive is served only if the index has it, and stored only if it has the length and the SHA-256 that the index says.
///   It never changes then.
/// * A server that is away, or fails, is never taken for one that has no such archive.
/// * What is stored is served whether or not the server is there; so is the index that was known last.
#[derive(Debug)]
pub struct Releases {
    indexes: Indexes,
    files: Files,
    shown: String,
}

/// The content of an answer.
#[derive(Clone, Debug)]
pub enum ReleaseContent {
    /// This.
    Content(Content),
    /// So many bytes, of which none was asked for.
    Announced(u64),
}

/// An answer.
#[derive(Clone, Debug)]
pub struct ReleaseAnswer {
    /// Its content.
    pub content: ReleaseContent,
    /// Its entity tag, without quotes: a name for its bytes.
    pub etag: Arc<str>,
    /// How it came about.
    pub outcome: Outcome,
    /// How long it may be kept, if it may change.
    pub fresh_for: Option<Duration>,
}

impl Releases {
    /// Archives of `server`, or of storage alone if there is none. Transfers run on `tasks`, whose owner waits for them.
    pub fn new(
        server: Option<Arc<ReleaseServer>>,
        storage: &Arc<dyn Storage>,
        options: IndexOptions,
        metrics: (BreakMetrics, ReleaseMetrics),
        tasks: &TaskTracker,
    ) -> Self {
        let shown = server
            .as_ref()
            .map_or_else(|| "offline".to_owned(), ToString::to_string);
        let indexes = Indexes::new(
            server.clone(),
            storage.records(),
            options,
            metrics.1.clone(),
            tasks.clone(),
        );
        Self {
            indexes,
            files: Files::new(server, storage, metrics, tasks.clone()),
            shown,
        }
    }

    /// Answers `request`. Of an archive whose bytes are not wanted none is brought in.
    ///
    /// # Errors
    /// [`Meaning::NotFound`](crate::Meaning::NotFound) only if an index that is fresh has no such archive, or nobody may be asked.
    pub async fn get(
        &self,
        request: &ReleaseRequest,
        wants_bytes: bool,
        context: &Context,
    ) -> Result<ReleaseAnswer, ProxyError> {
        match request {
            ReleaseRequest::Page => {
                let (page, etag) = (Bytes::from_static(PAGE.as_bytes()), "page".into());
                Ok(ReleaseAnswer::bytes(page, etag, Outcome::Hit))
            }
            ReleaseRequest::Index(kind) => {
                let (known, outcome) = self.indexes.get(*kind, context).await?;
                let etag = known.etag.as_str().into();
                Ok(ReleaseAnswer {
                    fresh_for: Some(self.indexes.ttl().min(Duration::from_secs(60))),
                    ..ReleaseAnswer::bytes(known.text.clone(), etag, outcome)
                })
            }
            ReleaseRequest::Checksum(name) => {
                let file = self.find(name, context).await?;
                let sum = file
                    .sha256
                    .ok_or_else(|| not_found(name, "has no SHA-256 of it"))?;
                let sum = hex(&sum);
                let etag = format!("{sum}.sha256").into();
                Ok(ReleaseAnswer::bytes(sum.into(), etag, Outcome::Hit))
            }
            ReleaseRequest::Signature(name) => {
                self.find(name, context).await?;
                let (signature, outcome) = self.files.signature(name, context).await?;
                let etag = stoa_storage::ETag::of_content(&signature).as_str().into();
                Ok(ReleaseAnswer::bytes(signature, etag, outcome))
            }
            ReleaseRequest::Archive(name) => self.archive(name, wants_bytes, context).await,
        }
    }

    async fn archive(
        &self,
        name: &ReleaseName,
        wants_bytes: bool,
        context: &Context,
    ) -> Result<ReleaseAnswer, ProxyError> {
        let file = self.find(name, context).await?;
        let (content, outcome) = match self.files.stored(name, &file).await? {
            Some(blob) => (ReleaseContent::Content(Content::Stored(blob)), Outcome::Hit),
            None if !wants_bytes => {
                self.files.source(name, &file)?;
                (ReleaseContent::Announced(file.len), Outcome::Miss)
            }
            None => {
                let (content, outcome) = self.files.bring_in(name, &file, context).await?;
                (ReleaseContent::Content(content), outcome)
            }
        };
        let etag = file.sha256.as_ref().map(|sum| hex(sum)).unwrap_or_default();
        Ok(ReleaseAnswer {
            content,
            etag: etag.into(),
            outcome,
            fresh_for: None,
        })
    }

    /// What the index says of an archive. One that is old is believed about what it has, and not about what it has not.
    async fn find(&self, name: &ReleaseName, context: &Context) -> Result<ReleaseFile, ProxyError> {
        if let Some(known) = self.indexes.known(IndexKind::All).await
            && let Some(file) = known.index.file(name)
        {
            return Ok(file.clone());
        }
        let known = self.indexes.fresh(IndexKind::All, context).await?;
        let file = known.index.file(name).cloned();
        file.ok_or_else(|| not_found(name, "does not have it"))
    }
}

fn not_found(name: &ReleaseName, why: &str) -> ProxyError {
    let not_found = NotFound {
        reason: format!("not found: {name}: the index of releases {why}"),
        gone: false,
        reply: None,
    };
    FetchError::NotFound(not_found).into()
}

impl ReleaseAnswer {
    fn bytes(bytes: Bytes, etag: Arc<str>, outcome: Outcome) -> Self {
        Self {
            content: ReleaseContent::Content(Content::Bytes(bytes)),
            etag,
            outcome,
            fresh_for: None,
        }
    }
}

impl fmt::Display for Releases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}
