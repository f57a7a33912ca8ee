//! The way of a whole file into the bucket.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::GetOptions;
use object_store::path::Path;
use sha2::{Digest as _, Sha256};
use stoa_dispatch::RequestBody;
use stoa_module::ModuleVersion;
use stoa_module::dirhash::H1;

use super::failure::{refusal, unanswered};
use super::open::h1_in;
use super::service::Upload;
use super::shelf::Shelf;
use super::spool::Spool;
use crate::error::StorageError;
use crate::key::{FileKey, FileKind};
use crate::put::Put;

/// How often a file is sent, and how long the first pause between is. Each pause is twice the one before.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(200);

/// A file that came whole.
pub(super) struct Whole {
    pub(super) spool: Arc<Spool>,
    /// The SHA-256 of its content.
    pub(super) digest: [u8; 32],
}

impl Shelf {
    /// Sends a file up, with its hash; unless it `replaces`, only if there is none. One request: the whole or nothing.
    pub(super) async fn upload(
        &self,
        path: &Path,
        whole: &Whole,
        h1: Option<&H1>,
        replaces: bool,
    ) -> Result<Put, StorageError> {
        let conditional = !replaces && self.conditions().await?.create;
        if !replaces && !conditional && self.exists(path).await? {
            return Ok(Put::Existed);
        }
        let upload = Upload {
            path,
            len: whole.spool.len(),
            digest: &whole.digest,
            h1: h1.map(ToString::to_string),
            conditional,
        };
        let mut pause = PAUSE;
        for attempt in 1.. {
            match self.attempt(&upload, &whole.spool).await {
                Ok(put) => return Ok(put),
                Err((error, may_help)) if !may_help || attempt >= ATTEMPTS => return Err(error),
                Err(_) => {}
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        unreachable!("the last attempt returns")
    }

    /// Sends it once. An error says whether another try may go better.
    async fn attempt(&self, upload: &Upload<'_>, spool: &Arc<Spool>) -> Result<Put, (StorageError, bool)> {
        let place = self.keys.place(upload.path);
        let head = self.service.upload_head(upload).await;
        let head = head.map_err(|error| (self.failure("store", upload.path, &error), false))?;
        let body = if upload.len == 0 {
            RequestBody::from(Bytes::new())
        } else {
            RequestBody::stream(spool.body())
        };
        let sent = self.http.upload(head.map(|()| body), upload.len).await;
        let (status, words) = sent.map_err(|error| {
            let may_help = !error.is_refusal();
            (unanswered("store", &place, &error), may_help)
        })?;
        match status {
            200..300 => Ok(Put::Stored),
            412 if upload.conditional => Ok(Put::Existed),
            // Azure says so of a blob that is there. S3 says it of a writer that was faster, or just as fast.
            409 if words.contains("BlobAlreadyExists") => Ok(Put::Existed),
            _ => {
                let may_help = matches!(status, 408 | 409 | 429 | 500..);
                Err((self.judged(refusal("store", &place, status, &words)), may_help))
            }
        }
    }

    /// Records the hash of a zip that is there without one, if it is the same zip.
    pub(super) async fn record_h1(
        &self,
        target: &ModuleVersion,
        whole: &Whole,
        h1: &H1,
    ) -> Result<(), StorageError> {
        let path = self.keys.file(&FileKey::new(target.clone(), FileKind::Zip))?;
        let head = GetOptions::new().with_head(true);
        let Some(found) = self.get(&path, head).await? else {
            return Ok(());
        };
        let is_settled = h1_in(&found.attributes).is_some() || found.meta.size != whole.spool.len();
        if is_settled || self.later_h1(target).await?.is_some() {
            return Ok(());
        }
        let Some(found) = self.get(&path, GetOptions::default()).await? else {
            return Ok(());
        };
        let mut digest = Sha256::new();
        let mut pieces = found.into_stream();
        while let Some(piece) = pieces.next().await {
            digest.update(&piece.map_err(|error| self.failure("read", &path, &error))?);
        }
        if digest.finalize()[..] == whole.digest {
            let hash = self.keys.hash(target)?;
            self.put_at(&hash, Bytes::from(h1.to_string())).await?;
        }
        Ok(())
    }
}
