//! Makes room from time to time.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_storage::{RecordName, Records};
use tokio::{sync::mpsc, time::sleep};

use super::{gc::Gc, gc_report::GcReport};

/// Who makes room last says so here, so that of several servers with one storage one does.
const RECORD: &str = "gc/last";

/// Makes room when it is time, and when somebody asks for it: one at a time.
#[derive(Debug)]
pub struct GcRounds {
    gc: Gc,
    records: Arc<dyn Records>,
    every: Duration,
    /// Whether what is done by itself only tells.
    dry_run: bool,
    asked: mpsc::Sender<bool>,
    asks: Mutex<Option<mpsc::Receiver<bool>>>,
    state: Mutex<GcState>,
}

/// How it stands.
#[derive(Clone, Debug, Default)]
pub struct GcState {
    /// Whether room is being made.
    pub is_running: bool,
    /// How often that has ended.
    pub runs: u64,
    /// What came of it the last time.
    pub report: Option<Arc<GcReport>>,
    /// Why it failed the last time.
    pub error: Option<Arc<str>>,
    /// When it last ended.
    pub ended: Option<SystemTime>,
}

impl GcRounds {
    /// Runs `gc` every so often.
    pub fn new(gc: Gc, records: Arc<dyn Records>, every: Duration, dry_run: bool) -> Self {
        let (asked, asks) = mpsc::channel(1);
        Self {
            gc,
            records,
            every,
            dry_run,
            asked,
            asks: Mutex::new(Some(asks)),
            state: Mutex::default(),
        }
    }

    /// Whether the rules ask for anything.
    pub fn is_on(&self) -> bool {
        self.gc.rules().is_on()
    }

    /// How it stands.
    pub fn state(&self) -> GcState {
        self.state.lock().clone()
    }

    /// Asks for a run. Whether it will be one: not, if one waits already.
    pub fn ask(&self, dry_run: bool) -> bool {
        self.asked.try_send(dry_run).is_ok()
    }

    /// Runs it when it is time or asked for. Never ends; the second call does nothing.
    pub async fn run(&self) {
        let Some(mut asks) = self.asks.lock().take() else {
            return std::future::pending().await;
        };
        loop {
            let dry_run = tokio::select! {
                Some(dry_run) = asks.recv() => dry_run,
                () = sleep(self.every), if self.is_on() => {
                    if !self.is_mine().await {
                        continue;
                    }
                    self.dry_run
                }
            };
            self.once(dry_run).await;
        }
    }

    async fn once(&self, dry_run: bool) {
        self.state.lock().is_running = true;
        let ended = self.gc.run(dry_run).await;
        match &ended {
            Ok(report) if report.versions > 0 || report.is_over() => tracing::info!(
                dry_run,
                versions = report.versions,
                bytes_before = report.bytes_before,
                bytes_after = report.bytes_after,
                kept = ?report.kept,
                stopped = report.stopped,
                "made room"
            ),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "no room can be made now"),
        }
        let mut state = self.state.lock();
        state.is_running = false;
        state.runs += 1;
        state.ended = Some(SystemTime::now());
        match ended {
            Ok(report) => (state.report, state.error) = (Some(Arc::new(report)), None),
            Err(error) => state.error = Some(error.to_string().into()),
        }
    }

    /// Whether no other server has done it since it was last time. Without an answer of the storage nobody makes room.
    async fn is_mine(&self) -> bool {
        let Ok(name) = RECORD.parse::<RecordName>() else {
            return false;
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let last = match self.records.read(&name).await {
            Ok(last) => last,
            Err(error) => {
                tracing::warn!(error = %error.report(), "no room can be made now");
                return false;
            }
        };
        let seconds = last
            .as_deref()
            .and_then(|text| str::from_utf8(text).ok()?.parse::<u64>().ok());
        let since = seconds.map_or(Duration::MAX, |last| {
            now.saturating_sub(Duration::from_secs(last))
        });
        // A clock that was ahead must not stop it for ever.
        let is_ahead = seconds.is_some_and(|last| last > now.as_secs() + self.every.as_secs());
        if since < self.every.mul_f64(0.5) && !is_ahead {
            return false;
        }
        let new = Bytes::from(now.as_secs().to_string());
        self.records
            .swap(&name, last.as_deref(), new)
            .await
            .unwrap_or(false)
    }
}
