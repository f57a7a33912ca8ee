//! What the tests are made of.

use std::{
    fs,
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use stoa_dispatch::{
    Concurrency, DispatchError, Event, HttpOptions, HttpTransports, LaneKey, LaneSettings, Listener, Pool,
    PoolBuilder, Request, RequestBody, RetrySettings, Task, TransportErrorKind,
};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// How long something may take that has no bound of its own.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

static MACHINE: RwLock<()> = RwLock::const_new(());

/// Beside other tests.
pub(crate) async fn shared() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().await
}

/// Alone in this process: for tests that measure times, memory or open files.
pub(crate) async fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().await
}

/// Settings that retry nothing.
pub(crate) fn once() -> LaneSettings {
    LaneSettings {
        retry: RetrySettings {
            max: 0,
            ..RetrySettings::default()
        },
        ..LaneSettings::default()
    }
}

/// Settings that retry nothing and let so many run at once.
pub(crate) fn permits(concurrency: usize) -> LaneSettings {
    LaneSettings {
        concurrency: fixed(concurrency),
        ..once()
    }
}

pub(crate) fn fixed(concurrency: usize) -> Concurrency {
    Concurrency::Fixed(NonZeroUsize::new(concurrency).expect("not zero"))
}

pub(crate) fn builder(settings: LaneSettings) -> PoolBuilder {
    Pool::builder(Arc::new(HttpTransports::new(HttpOptions::default()))).settings(settings)
}

pub(crate) fn pool(settings: LaneSettings) -> Pool {
    builder(settings).start()
}

pub(crate) fn get(url: &str) -> Task {
    let mut request = Request::new(RequestBody::empty());
    *request.uri_mut() = url.parse().expect("URL");
    Task::ready(request).expect("a URL with a host")
}

pub(crate) fn lane_of(url: &str) -> LaneKey {
    LaneKey::of_uri(&url.parse().expect("URL")).expect("a URL with a host")
}

/// Calls and reads to the end: status and length.
pub(crate) async fn fetch(pool: &Pool, url: &str) -> Result<(u16, usize), DispatchError> {
    let response = pool.call(get(url)).await?;
    let status = response.status().as_u16();
    let body = response.into_body().bytes(64 << 20).await?;
    Ok((status, body.expect("no body is that long").len()))
}

pub(crate) fn kind(error: &DispatchError) -> TransportErrorKind {
    match error {
        DispatchError::Transport { error, .. } => error.kind(),
        other => panic!("{other:?}"),
    }
}

/// Keeps events with their times.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<(Instant, Event)>>);

impl Log {
    pub(crate) fn all(&self) -> Vec<(Instant, Event)> {
        self.0.lock().clone()
    }
}

impl Listener for Log {
    fn event(&self, event: &Event) {
        self.0.lock().push((Instant::now(), event.clone()));
    }
}

/// Waits for something that has no event, such as the closing of a file.
pub(crate) async fn eventually(what: &str, mut reached: impl FnMut() -> bool) {
    let began = Instant::now();
    while !reached() {
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The fastest of several tries: a busy machine makes some slow, and none fast.
pub(crate) async fn best_of(tries: usize, mut attempt: impl AsyncFnMut() -> Duration) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..tries {
        best = best.min(attempt().await);
    }
    best
}

/// Open files of this process.
pub(crate) fn fds() -> usize {
    fs::read_dir("/proc/self/fd").expect("proc").count()
}

/// Resident memory of this process in KiB.
pub(crate) fn rss_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).expect("a number")
}

pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}
