//! A file that is handed out while it arrives.

use std::{any::Any, collections::HashMap, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_storage::ReadAt;
use tokio::{sync::watch, time::sleep};

use crate::ProxyError;

/// How much a follower reads at once, in bytes.
const PIECE: u64 = 128 << 10;

/// A file that one writer fills and any number of followers read from the start, each at its own pace.
///
/// The last byte is held back until the writer has ended well. So a follower's body is complete only if the content
/// has been checked and stored; in every other case it ends with an error, and the connection that carries it is cut.
#[derive(Clone)]
pub struct Growing {
    shared: Arc<Transfer>,
}

struct Transfer {
    total: Option<u64>,
    progress: watch::Sender<Progress>,
    reader: Arc<dyn ReadAt>,
    /// Permits and keys that live until the writer ends; `None` afterwards.
    guards: Mutex<Option<Guards>>,
}

/// What is kept until the writer ends.
#[derive(Default)]
struct Guards {
    next: u64,
    kept: HashMap<u64, Box<dyn Any + Send>>,
}

/// Something that is kept while a file grows and somebody waits for it: the end of either drops it.
pub struct Lent {
    to: Arc<Transfer>,
    key: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct Progress {
    written: u64,
    end: Option<Result<(), ProxyError>>,
}

/// The writing side. Dropping it without [`finish`](Self::finish) fails every follower.
#[derive(Debug)]
pub struct GrowingWriter {
    growing: Growing,
}

/// A new growing file: `total` bytes if that is known, read back through `reader`.
pub fn growing(total: Option<u64>, reader: Arc<dyn ReadAt>) -> (GrowingWriter, Growing) {
    let shared = Transfer {
        total,
        progress: watch::Sender::new(Progress::default()),
        reader,
        guards: Mutex::new(Some(Guards::default())),
    };
    let growing = Growing {
        shared: Arc::new(shared),
    };
    (
        GrowingWriter {
            growing: growing.clone(),
        },
        growing,
    )
}

impl Growing {
    /// The announced length, in bytes.
    pub fn total(&self) -> Option<u64> {
        self.shared.total
    }

    /// Reads from the start.
    pub fn follow(&self) -> Follower {
        self.follow_from(0)
    }

    /// Reads from this byte on; nothing, if there are fewer.
    pub fn follow_from(&self, offset: u64) -> Follower {
        Follower {
            progress: self.shared.progress.subscribe(),
            growing: self.clone(),
            offset,
            failed: false,
        }
    }

    /// Keeps `guard` until the writer ends; drops it at once if it has ended.
    pub fn attach(&self, guard: impl Send + 'static) {
        self.shared.keep(Box::new(guard));
    }

    /// Keeps `guard` until the writer ends or what is returned is dropped, whichever comes first.
    pub fn lend(&self, guard: impl Send + 'static) -> Lent {
        Lent {
            key: self.shared.keep(Box::new(guard)),
            to: Arc::clone(&self.shared),
        }
    }

    /// Waits until it is known to be larger than `bytes`, or has ended; a failure until then is returned.
    pub async fn larger_than(&self, bytes: u64) -> Result<(), ProxyError> {
        if self.total().is_some_and(|total| total > bytes) {
            return Ok(());
        }
        let mut progress = self.shared.progress.subscribe();
        let decided = progress
            .wait_for(|progress| progress.end.is_some() || progress.written > bytes)
            .await;
        match decided.ok().and_then(|progress| progress.end.clone()) {
            Some(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Waits for the end, without reading.
    pub async fn ended(&self) -> Result<(), ProxyError> {
        self.ended_telling(|_| ()).await
    }

    /// Waits for the end and tells how many bytes there are, each time there are more.
    pub async fn ended_telling(&self, mut tell: impl FnMut(u64)) -> Result<(), ProxyError> {
        let mut progress = self.shared.progress.subscribe();
        loop {
            let Progress { written, end } = progress.borrow_and_update().clone();
            tell(written);
            if let Some(end) = end {
                return end;
            }
            // The sender lives in `self`, so the channel cannot be closed while it is waited on.
            if progress.changed().await.is_err() {
                return Err(ProxyError::internal("the transfer ended without a result"));
            }
        }
    }
}

impl Transfer {
    /// The key of what is kept; `None` if the writer has ended, and what was given is dropped.
    fn keep(&self, guard: Box<dyn Any + Send>) -> Option<u64> {
        let mut guards = self.guards.lock();
        let Some(kept) = guards.as_mut() else {
            // Outside of the lock, because a guard's own drop may do anything.
            drop(guards);
            return None;
        };
        kept.next += 1;
        let key = kept.next;
        kept.kept.insert(key, guard);
        Some(key)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let guard = self
            .to
            .guards
            .lock()
            .as_mut()
            .and_then(|guards| guards.kept.remove(&key));
        drop(guard);
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lent")
    }
}

impl fmt::Debug for Growing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let progress = self.shared.progress.borrow();
        f.debug_struct("Growing")
            .field("total", &self.shared.total)
            .field("progress", &*progress)
            .finish_non_exhaustive()
    }
}

impl GrowingWriter {
    /// `more` bytes can be read now.
    pub fn advance(&self, more: u64) {
        self.growing
            .shared
            .progress
            .send_modify(|progress| progress.written += more);
    }

    /// Ends the file. Followers see the end; guards are dropped.
    pub fn finish(self, result: Result<(), ProxyError>) {
        self.end(result);
    }

    fn end(&self, result: Result<(), ProxyError>) {
        let shared = &self.growing.shared;
        let first = shared.progress.send_if_modified(|progress| {
            let first = progress.end.is_none();
            if first {
                progress.end = Some(result);
            }
            first
        });
        if first {
            // Outside of the lock, because a guard's own drop may do anything.
            let guards = shared.guards.lock().take();
            drop(guards);
        }
    }
}

impl GrowingWriter {
    /// Waits until nobody has waited for the file for so long, and nothing has come meanwhile.
    pub(crate) async fn forsaken(&self, time: Duration) {
        let progress = &self.growing.shared.progress;
        loop {
            progress.closed().await;
            let written = progress.borrow().written;
            sleep(time).await;
            if progress.receiver_count() == 0 && progress.borrow().written == written {
                return;
            }
        }
    }
}

impl Drop for GrowingWriter {
    fn drop(&mut self) {
        self.end(Err(ProxyError::internal("the transfer was given up")));
    }
}

/// One reader of a [`Growing`] file.
#[derive(Debug)]
pub struct Follower {
    growing: Growing,
    progress: watch::Receiver<Progress>,
    offset: u64,
    failed: bool,
}

impl Follower {
    /// The next piece, never empty; `None` after the last one. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<Bytes, ProxyError>> {
        self.next_up_to(PIECE).await
    }

    /// As [`next`](Self::next), but no more than `most` bytes.
    pub async fn next_up_to(&mut self, most: u64) -> Option<Result<Bytes, ProxyError>> {
        if self.failed {
            return None;
        }
        let piece = self.piece(most.max(1)).await.transpose();
        self.failed = matches!(piece, Some(Err(_)));
        piece
    }

    /// Waits until there is something to be read: how many bytes; `None` at the end. After an error there is nothing more.
    pub async fn available(&mut self) -> Option<Result<u64, ProxyError>> {
        if self.failed {
            return None;
        }
        let available = self.wait().await.transpose();
        self.failed = matches!(available, Some(Err(_)));
        available
    }

    async fn piece(&mut self, most: u64) -> Result<Option<Bytes>, ProxyError> {
        let Some(available) = self.wait().await? else {
            return Ok(None);
        };
        let len = usize::try_from(most.min(available)).unwrap_or(usize::MAX);
        let read = self.growing.shared.reader.read_at(self.offset, len).await;
        let piece = read.map_err(|e| ProxyError::internal(format!("reading back a transfer: {e}")))?;
        if piece.is_empty() {
            return Err(ProxyError::internal(
                "a transfer is shorter than what was written",
            ));
        }
        self.offset += piece.len() as u64;
        Ok(Some(piece))
    }

    async fn wait(&mut self) -> Result<Option<u64>, ProxyError> {
        loop {
            let (written, end) = {
                let progress = self.progress.borrow_and_update();
                (progress.written, progress.end.clone())
            };
            let free = match (&end, self.growing.shared.total) {
                (Some(Ok(())), _) => written,
                (_, Some(total)) => written.min(total.saturating_sub(1)),
                (_, None) => written.saturating_sub(1),
            };
            if self.offset < free {
                return Ok(Some(free - self.offset));
            }
            match end {
                Some(Ok(())) => return Ok(None),
                Some(Err(error)) => return Err(error),
                None => {}
            }
            if self.progress.changed().await.is_err() {
                return Err(ProxyError::internal("the transfer was given up"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
