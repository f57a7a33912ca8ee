//! What is known of what is stored.

mod late_index;
mod opening;

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use stoa_index::Index;
use stoa_proxy::{IndexMetrics, IndexNotes, Recorder};
use stoa_telemetry::Part;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::late_index::LateIndex;
use crate::config::Config;

/// How long the end of the process waits for the index to hear of the last files.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// The file that says that a server is telling the index, or died doing so.
const MARK: &str = "index-in-use";

/// The index, and what is told to it.
#[derive(Debug)]
pub(crate) struct IndexCore {
    pub(crate) index: Arc<dyn Index>,
    pub(crate) notes: IndexNotes,
    pub(crate) recorder: Arc<Recorder>,
    /// Ends what is told as it comes.
    pub(super) ending: CancellationToken,
    mark: Option<PathBuf>,
    /// Whether this process has put it there, or found it.
    is_marked: AtomicBool,
}

impl IndexCore {
    /// The index that the configuration names; `None` for none. Nothing is opened before the first question. Must be called
    /// within a runtime.
    pub(super) fn of(config: &Config, metrics: &Part, tasks: &TaskTracker) -> Option<Self> {
        let index: Arc<dyn Index> = Arc::new(LateIndex::new(opening::opener(config)?));
        let notes = IndexNotes::of_index();
        let recorder = Recorder::new(Arc::clone(&index), notes.clone(), IndexMetrics::new(metrics));
        let (recorder, ending) = (Arc::new(recorder), CancellationToken::new());
        let (telling, until) = (Arc::clone(&recorder), ending.clone());
        tasks.spawn(async move {
            until.run_until_cancelled(telling.run()).await;
        });
        Some(Self {
            index,
            notes,
            recorder,
            ending,
            mark: config.storage.own.as_ref().map(|own| own.join(MARK)),
            is_marked: AtomicBool::new(false),
        })
    }

    /// What takes down what happens, if there is an index.
    pub(super) fn notes(index: Option<&Self>) -> IndexNotes {
        index.map_or_else(IndexNotes::none, |index| index.notes.clone())
    }

    /// Says that a server tells the index from now on. Whether the last one ended without having told all: it was killed, or
    /// another one is at it. Without a place for such a mark it is not known, and what was stored is looked through.
    pub(crate) fn begin(&self) -> bool {
        let Some(mark) = &self.mark else { return true };
        self.is_marked.store(true, Ordering::Relaxed);
        let mut options = fs::OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.write(true).create_new(true).open(mark) {
            Ok(_) => false,
            Err(error) => {
                tracing::debug!(%error, "the index was not left in order");
                true
            }
        }
    }

    /// Tells what is left, and closes it.
    pub(super) async fn end(&self) {
        match timeout(LAST_WORDS, self.recorder.record(true)).await {
            Ok(Ok(())) => self.unmark(),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the index was not told of everything; the next start looks through what is stored");
            }
            Err(_) => {
                tracing::warn!("the index took too long; the next start looks through what is stored");
            }
        }
        self.index.close().await;
    }

    fn unmark(&self) {
        if let Some(mark) = &self.mark
            && self.is_marked.load(Ordering::Relaxed)
            && let Err(error) = fs::remove_file(mark)
        {
            tracing::debug!(%error, "the next start looks through what is stored");
        }
    }
}
