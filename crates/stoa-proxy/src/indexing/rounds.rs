//! Makes the index anew when it has to be.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::sleep};

use super::{
    index_notes::IndexNotes,
    reindex::{Reindex, ReindexError, ReindexReport},
};

/// The first pause after a failure; each one is twice as long,
const PAUSE: Duration = Duration::from_secs(2);
/// up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Makes an index anew when it is not complete, when something was lost, and when somebody asks for it: one at a time.
#[derive(Debug)]
pub struct Rebuilds {
    reindex: Reindex,
    notes: IndexNotes,
    wanted: Notify,
    /// Whether somebody wants the hashes too that cost a request each.
    all_hashes: AtomicBool,
    state: Mutex<RebuildState>,
}

/// How the index stands.
#[derive(Clone, Debug, Default)]
pub struct RebuildState {
    /// It is going to be made anew, and may say what is not so until then.
    pub is_due: bool,
    /// Since when it is being made anew.
    pub running_since: Option<SystemTime>,
    /// Files told of in that or the last run.
    pub files: u64,
    /// How often it has been finished.
    pub runs: u64,
    /// When it was last finished.
    pub finished: Option<SystemTime>,
    /// Why the last try failed.
    pub error: Option<Arc<str>>,
}

impl Rebuilds {
    /// Runs `reindex`, also when `notes` have lost something.
    pub fn new(reindex: Reindex, notes: IndexNotes) -> Self {
        Self {
            reindex,
            notes,
            wanted: Notify::new(),
            all_hashes: AtomicBool::new(false),
            // Until it has been looked at.
            state: Mutex::new(RebuildState {
                is_due: true,
                ..RebuildState::default()
            }),
        }
    }

    /// Asks for it, with all hashes. If it is running, it runs once more after that.
    pub fn ask(&self) {
        self.all_hashes.store(true, Ordering::Relaxed);
        self.want();
    }

    fn want(&self) {
        self.state.lock().is_due = true;
        self.wanted.notify_one();
    }

    /// How it stands.
    pub fn state(&self) -> RebuildState {
        let mut state = self.state.lock().clone();
        state.files = self.reindex.files_so_far();
        state
    }

    /// Makes it anew whenever that has to be, and at once if it was not left in order (`is_suspect`). Never ends.
    pub async fn run(&self, is_suspect: bool) {
        if is_suspect {
            self.want();
        } else {
            self.ask_if_incomplete().await;
        }
        loop {
            tokio::select! {
                () = self.wanted.notified() => {}
                () = self.notes.loss() => tracing::warn!("the index has missed something, and is made anew"),
            }
            self.rebuild().await;
        }
    }

    async fn ask_if_incomplete(&self) {
        let mut pause = PAUSE;
        loop {
            match self.reindex.index().is_complete().await {
                Ok(true) => {
                    self.state.lock().is_due = false;
                    return;
                }
                Ok(false) => return self.want(),
                // It may be new when it is back.
                Err(error) => {
                    self.state.lock().error = Some(error.to_string().into());
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn rebuild(&self) {
        let mut pause = PAUSE;
        let all_hashes = self.all_hashes.swap(false, Ordering::Relaxed);
        loop {
            let started = Instant::now();
            {
                let mut state = self.state.lock();
                (state.running_since, state.is_due) = (Some(SystemTime::now()), false);
            }
            let ended = self.reindex.run(all_hashes).await;
            self.ended(&ended);
            match ended {
                Ok(report) => {
                    let took = started.elapsed();
                    tracing::info!(
                        files = report.files,
                        bytes = report.bytes,
                        ?took,
                        "the index is made anew"
                    );
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, again_in = ?pause, "the index cannot be made anew now");
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn ended(&self, ended: &Result<ReindexReport, ReindexError>) {
        let mut state = self.state.lock();
        state.running_since = None;
        match ended {
            Ok(_) => {
                state.finished = Some(SystemTime::now());
                state.runs += 1;
                state.error = None;
            }
            Err(error) => state.error = Some(error.to_string().into()),
        }
    }
}
