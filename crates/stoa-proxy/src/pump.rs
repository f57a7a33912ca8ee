//! Moves a zip from its source into storage, checking it on the way.

use std::{io, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use stoa_fetch::{Body, Fetched, SourceName};
use stoa_module::{
    ModuleVersion, Resource,
    dirhash::H1,
    zip::{self, StreamChecker, StreamVerdict, ZipError, ZipLimits, ZipSummary},
};
use stoa_storage::{Blob, FileKey, Put, ReadAt, Stage, Storage};
use stoa_sumdb::SumFile;
use tokio::{sync::oneshot, task::spawn_blocking};

use crate::{Expected, GrowingWriter, IndexNotes, ProxyError, Source, Sums, refusals::Refusals};

/// Pieces that are ready are joined up to so many bytes, so that a fast source costs few trips to the blocking pool.
const BATCH: usize = 256 << 10;
/// A transfer of which nothing comes, and for which nobody has waited for so long, is given up: it may be asking a source again and
/// again.
const FORSAKEN: Duration = Duration::from_secs(5);

/// One transfer.
pub(crate) struct Pump {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) target: ModuleVersion,
    pub(crate) limits: ZipLimits,
    pub(crate) key: FileKey,
    pub(crate) sums: Arc<dyn Sums>,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) notes: IndexNotes,
}

impl Pump {
    /// Runs the transfer to its end and tells the followers how it went. Tells `looked_up` as soon as it is known what
    /// the zip will be held against.
    pub(crate) async fn run(
        self,
        mut fetched: Fetched,
        mut stage: Box<dyn Stage>,
        writer: GrowingWriter,
        looked_up: oneshot::Sender<()>,
    ) {
        // Kept until the zip is stored.
        let _slot = fetched.slot.take();
        let source_name = fetched.source_name.clone();
        let expected = async {
            let expected = self.sums.expected(&self.target).await?;
            // Nobody may be waiting any more.
            let _gone = looked_up.send(());
            Ok(expected)
        };
        let advance = |more| writer.advance(more);
        let received = receive(fetched, stage.as_mut(), &self.target, &self.limits, advance);
        let received = async {
            tokio::select! {
                biased;
                received = received => received,
                () = writer.forsaken(FORSAKEN) => {
                    Err(ProxyError::internal("nobody waits for it any more, and nothing comes"))
                }
            }
        };
        let (result, left) = match tokio::try_join!(received, expected) {
            Ok((received, expected)) => (self.store(stage, received, &expected, &source_name).await, None),
            Err(error) => (Err(error), Some(stage)),
        };
        if let Err(error) = &result {
            tracing::warn!(file = %self.key, error = %error.report(), "a zip was not stored; its clients are cut off");
        }
        writer.finish(result);
        // Only now, so that who finds nothing left on its way starts a flight of their own.
        drop(left);
    }

    async fn store(
        &self,
        stage: Box<dyn Stage>,
        Received { h1, len }: Received,
        expected: &Expected,
        source_name: &SourceName,
    ) -> Result<(), ProxyError> {
        if let Err(error) = expected.check(SumFile::Zip, h1, source_name) {
            tracing::error!(file = %self.key, %error, "a zip was refused");
            self.refusals
                .remember(&Resource::Zip(self.target.clone()), &error);
            stage.reject().await?;
            return Err(error);
        }
        match stage.commit(Some(&h1)).await? {
            Put::Stored => {
                let source = Source {
                    origin: Some(source_name.clone()),
                    verified_by: expected.database().cloned(),
                };
                self.notes.stored(&self.key, len, Some(h1), &source);
                Ok(())
            }
            Put::Existed if self.is_stored_with(&h1).await? => Ok(()),
            Put::Existed => {
                let reason = format!(
                    "{} has hash {h1}, but other content was stored first",
                    self.target
                );
                Err(ProxyError::invalid(source_name, reason))
            }
        }
    }

    /// Another process stored this version meanwhile. Its content stays; whether ours is the same.
    async fn is_stored_with(&self, h1: &H1) -> Result<bool, ProxyError> {
        if let Some(stored) = self.storage.h1(&self.target).await? {
            return Ok(stored == *h1);
        }
        // Its writer died before it recorded the hash, or is about to, so that the content has to tell.
        let Some(blob) = self.storage.open(&self.key).await? else {
            return Ok(true);
        };
        let len = blob.len();
        let stored = check_whole(&self.target, &self.limits, Arc::new(BlobReader(blob)), len).await?;
        Ok(stored.is_ok_and(|stored| stored.h1 == *h1))
    }
}

/// A zip that has come whole and keeps to the rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) h1: H1,
    /// In bytes.
    pub(crate) len: u64,
}

/// Moves a zip from its source into `stage`, telling `advance` how many bytes more there are.
pub(crate) async fn receive(
    mut fetched: Fetched,
    stage: &mut dyn Stage,
    target: &ModuleVersion,
    limits: &ZipLimits,
    advance: impl Fn(u64) + Send,
) -> Result<Received, ProxyError> {
    let source_name = fetched.source_name.clone();
    let invalid = |error: ZipError| ProxyError::invalid(&source_name, error);
    let mut checker = StreamChecker::new(target, limits.clone());
    let mut total = 0;
    while let Some(batch) = next_batch(&mut fetched.body).await? {
        let len = batch.len() as u64;
        let checked = spawn_blocking({
            let batch = batch.clone();
            move || checker.write(&batch).map(|()| checker)
        });
        let (written, checked) = tokio::join!(stage.write(batch), checked);
        written?;
        let checked = checked.map_err(|_panic| ProxyError::internal("checking the zip panicked"))?;
        checker = checked.map_err(invalid)?;
        total += len;
        advance(len);
    }
    let verdict = spawn_blocking(move || checker.finish()).await;
    let verdict = verdict.map_err(|_panic| ProxyError::internal("checking the zip panicked"))?;
    let summary = match verdict.map_err(invalid)? {
        StreamVerdict::Checked(summary) => summary,
        StreamVerdict::NeedsSeek => check_whole(target, limits, stage.reader(), total)
            .await?
            .map_err(invalid)?,
    };
    Ok(Received {
        h1: summary.h1,
        len: total,
    })
}

/// Waits for a piece, then takes whatever else is there already.
pub(crate) async fn next_batch(body: &mut Body) -> Result<Option<Bytes>, ProxyError> {
    let Some(first) = body.next().await.transpose()? else {
        return Ok(None);
    };
    let mut batch = BytesMut::new();
    while first.len() + batch.len() < BATCH {
        let Some(Some(piece)) = body.next().now_or_never() else {
            break;
        };
        let piece = piece?;
        if batch.is_empty() {
            // Once, so that a batch does not grow by copies of itself.
            batch.reserve(BATCH + piece.len());
            batch.extend_from_slice(&first);
        }
        batch.extend_from_slice(&piece);
    }
    Ok(Some(if batch.is_empty() { first } else { batch.freeze() }))
}

/// Checks a zip of `len` bytes that can be read at any offset.
pub(crate) async fn check_whole(
    target: &ModuleVersion,
    limits: &ZipLimits,
    reader: Arc<dyn ReadAt>,
    len: u64,
) -> Result<Result<ZipSummary, ZipError>, ProxyError> {
    let runtime = tokio::runtime::Handle::current();
    let (target, limits) = (target.clone(), limits.clone());
    let check = move || {
        let reader = io::BufReader::with_capacity(128 << 10, Seekable::new(reader, runtime, len));
        zip::check(reader, &target, &limits)
    };
    spawn_blocking(check)
        .await
        .map_err(|_panic| ProxyError::internal("checking the zip panicked"))
}

/// A stored or staged file as a blocking reader. For the blocking pool only.
struct Seekable {
    reader: Arc<dyn ReadAt>,
    runtime: tokio::runtime::Handle,
    at: u64,
    len: u64,
}

impl Seekable {
    fn new(reader: Arc<dyn ReadAt>, runtime: tokio::runtime::Handle, len: u64) -> Self {
        Self {
            reader,
            runtime,
            at: 0,
            len,
        }
    }
}

impl io::Read for Seekable {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.len.saturating_sub(self.at))
            .unwrap_or(usize::MAX)
            .min(into.len());
        let piece = self.runtime.block_on(self.reader.read_at(self.at, room))?;
        into[..piece.len()].copy_from_slice(&piece);
        self.at += piece.len() as u64;
        Ok(piece.len())
    }
}

impl io::Seek for Seekable {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let at = match to {
            io::SeekFrom::Start(at) => Some(at),
            io::SeekFrom::End(by) => self.len.checked_add_signed(by),
            io::SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

/// A stored file as a reader.
#[derive(Debug)]
pub(crate) struct BlobReader(pub(crate) Blob);

#[async_trait]
impl ReadAt for BlobReader {
    async fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let read = self.0.read_at(offset, len).await;
        read.map_err(|error| io::Error::other(error.report().to_string()))
    }
}
