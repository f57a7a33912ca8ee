//! A pool over a scripted server, and everything it reports.

use std::{
    collections::BTreeMap,
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use stoa_dispatch::{
    Class, Concurrency, DispatchError, Event, EventKind, LaneKey, LaneSettings, LaneStatus, Listener, Pool,
    PoolBuilder, Request, RequestBody, Response, RetrySettings, Task,
};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, yield_now},
    time::{Instant, sleep},
};

use crate::origin::{Answer, Origin, Seen};

/// The lane of the scripted server.
pub(crate) const LANE: &str = "origin.test";

/// A pool, its server, its log.
pub(crate) struct Lab {
    pub(crate) pool: Pool,
    pub(crate) origin: Arc<Origin>,
    pub(crate) log: Arc<Log>,
    pub(crate) began: Instant,
}

impl Lab {
    pub(crate) fn new(
        settings: LaneSettings,
        script: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::with(settings, script, |builder| builder)
    }

    pub(crate) fn with(
        settings: LaneSettings,
        script: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
        more: impl FnOnce(PoolBuilder) -> PoolBuilder,
    ) -> Self {
        let origin = Origin::new(script);
        let log = Arc::new(Log::default());
        let builder = Pool::builder(Arc::new(Arc::clone(&origin)))
            .settings(settings)
            .listener(Arc::clone(&log) as _)
            .jitter(|| 0.5);
        Self {
            pool: more(builder).start(),
            origin,
            log,
            began: Instant::now(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Response, DispatchError> {
        self.pool.call(get(path)).await
    }

    /// Calls and reads to the end: the status, or the word for what went wrong.
    pub(crate) async fn outcome(&self, task: Task) -> Result<u16, &'static str> {
        outcome(&self.pool, task).await
    }

    /// Several callers at once, which read to the end.
    pub(crate) fn callers(
        &self,
        tasks: impl IntoIterator<Item = Task>,
    ) -> JoinSet<Result<u16, &'static str>> {
        let mut callers = JoinSet::new();
        for task in tasks {
            let pool = self.pool.clone();
            callers.spawn(async move { outcome(&pool, task).await });
        }
        callers
    }

    pub(crate) fn lane(&self) -> LaneStatus {
        self.pool.lane(&lane_key()).expect("lane")
    }

    /// Until nothing is left to do.
    pub(crate) async fn idle(&self) {
        while self.pool.outstanding() > 0 {
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// No permit is lost, nothing waits, nothing is in flight, and every event has its place.
    pub(crate) async fn is_clean(&self) {
        self.idle().await;
        settle().await;
        for lane in self.pool.lanes() {
            assert_eq!((lane.running, lane.waiting), (0, 0), "{}", lane.lane);
        }
        assert_eq!(self.origin.in_flight(), 0);
        self.log.is_sound();
    }
}

async fn outcome(pool: &Pool, task: Task) -> Result<u16, &'static str> {
    let response = pool.call(task).await.map_err(|error| error.reason())?;
    let status = response.status().as_u16();
    let read = response.into_body().bytes(1 << 20).await;
    read.map(|_| status).map_err(|error| error.reason())
}

pub(crate) fn lane_key() -> LaneKey {
    LaneKey::named(LANE).expect("key")
}

pub(crate) fn request(path: &str) -> Request {
    let uri = format!("https://{LANE}{path}");
    http::Request::get(uri)
        .body(RequestBody::empty())
        .expect("request")
}

pub(crate) fn get(path: &str) -> Task {
    Task::ready(request(path)).expect("task")
}

pub(crate) fn background(path: &str) -> Task {
    get(path).urgency(Class::Background)
}

/// A task that builds its request when its permit comes.
pub(crate) fn lazy(path: &'static str) -> Task {
    Task::lazy(lane_key(), move || async move { Ok(Some(request(path))) })
}

/// Three at a time, five in line, nothing retried.
pub(crate) fn small() -> LaneSettings {
    LaneSettings {
        concurrency: fixed(3),
        queue: 5,
        retry: RetrySettings {
            max: 0,
            ..RetrySettings::default()
        },
        ..LaneSettings::default()
    }
}

/// As [`small`], with other permits and another queue.
pub(crate) fn bounds(permits: usize, queue: usize) -> LaneSettings {
    LaneSettings {
        concurrency: fixed(permits),
        queue,
        ..small()
    }
}

pub(crate) fn fixed(permits: usize) -> Concurrency {
    Concurrency::Fixed(NonZeroUsize::new(permits).expect("permits"))
}

pub(crate) fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("number")
}

pub(crate) fn gate() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(0))
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Lets every task run that can, in no time.
pub(crate) async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

/// A listener that keeps everything.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<(Instant, Event)>>);

impl Listener for Log {
    fn event(&self, event: &Event) {
        self.0.lock().push((Instant::now(), event.clone()));
    }
}

impl Log {
    /// What happened to one task, in words.
    pub(crate) fn story(&self, task: u64) -> Vec<String> {
        let log = self.0.lock();
        let own = log.iter().filter(|(_, event)| event.task == task);
        own.map(|(_, event)| word(&event.kind)).collect()
    }

    /// How often each thing happened.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (_, event) in self.0.lock().iter() {
            *counts.entry(word(&event.kind)).or_default() += 1;
        }
        counts
    }

    pub(crate) fn count(&self, word: &str) -> usize {
        self.counts().get(word).copied().unwrap_or(0)
    }

    /// Everything in order, as `1 queue`.
    pub(crate) fn all(&self) -> Vec<String> {
        let log = self.0.lock();
        log.iter()
            .map(|(_, event)| format!("{} {}", event.task, word(&event.kind)))
            .collect()
    }

    /// When something happened, for the first time.
    pub(crate) fn at(&self, task: u64, what: &str) -> Instant {
        let log = self.0.lock();
        let found = log
            .iter()
            .find(|(_, event)| event.task == task && word(&event.kind) == what);
        found.unwrap_or_else(|| panic!("no {what} of {task}")).0
    }

    /// The error that a task ended with.
    pub(crate) fn error(&self, task: u64) -> DispatchError {
        let log = self.0.lock();
        let error = log.iter().find_map(|(_, event)| match &event.kind {
            EventKind::Finish {
                result: Err(error), ..
            }
            | EventKind::Abandon(error)
            | EventKind::Reject(error)
                if event.task == task =>
            {
                Some(error.clone())
            }
            _ => None,
        });
        error.unwrap_or_else(|| panic!("no error of {task}"))
    }

    /// Each task that has ended was queued or rejected, then started or abandoned, then finished, and each of that once.
    pub(crate) fn is_sound(&self) -> usize {
        let mut tasks: BTreeMap<u64, String> = BTreeMap::new();
        for (_, event) in self.0.lock().iter() {
            let letter = match event.kind {
                EventKind::Queue => 'Q',
                EventKind::Reject(_) => 'R',
                EventKind::Start { .. } => 'S',
                EventKind::Abandon(_) => 'A',
                EventKind::Finish { .. } => 'F',
                EventKind::Retry { .. } | EventKind::Throttle { .. } | EventKind::Breaker(_) => continue,
            };
            tasks.entry(event.task).or_default().push(letter);
        }
        for (task, story) in &tasks {
            assert!(
                ["QSF", "QA", "R"].contains(&story.as_str()),
                "task {task}: {story}"
            );
        }
        tasks.len()
    }
}

fn word(kind: &EventKind) -> String {
    match kind {
        EventKind::Queue => "queue".to_owned(),
        EventKind::Reject(error) => format!("reject {}", error.reason()),
        EventKind::Start { .. } => "start".to_owned(),
        EventKind::Abandon(error) => format!("abandon {}", error.reason()),
        EventKind::Finish {
            result: Ok(status), ..
        } => {
            format!("finish {}", status.map_or(0, |status| status.as_u16()))
        }
        EventKind::Finish {
            result: Err(error), ..
        } => format!("finish {}", error.reason()),
        EventKind::Retry { retry, .. } => format!("retry {retry}"),
        EventKind::Throttle { pause } => format!("throttle {}", pause.as_secs()),
        EventKind::Breaker(transition) => format!("breaker {transition:?}"),
    }
}
