//! `call`: so many requests, and what became of them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::request::Parts;
use serde_json::json;
use stoa_dispatch::{
    Drain, Event, EventKind, HttpOptions, HttpTransports, LaneSettings, Listener, Offer, Pool, Request,
    RequestBody, Response, Task,
};
use tokio::{sync::oneshot, task::JoinSet};

use crate::{
    args::{Call, Consume},
    process,
    summary::Summary,
};

/// How long what was taken may still take once everything has been offered.
const DRAIN: Duration = Duration::from_secs(60 * 60);

/// Counts what the events say.
#[derive(Debug, Default)]
struct Book {
    print: bool,
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    taken: u64,
    full: u64,
    statuses: BTreeMap<String, u64>,
    errors: BTreeMap<&'static str, u64>,
    /// One text for each kind of error.
    examples: BTreeMap<&'static str, String>,
}

impl Listener for Book {
    fn event(&self, event: &Event) {
        if self.print {
            eprintln!("{} {} {:?}", event.task, event.lane, event.kind);
        }
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        match &event.kind {
            EventKind::Queue => pages.taken += 1,
            EventKind::Finish {
                result: Ok(status), ..
            } => {
                let status = status.map_or_else(|| "none".to_owned(), |status| status.as_u16().to_string());
                *pages.statuses.entry(status).or_default() += 1;
            }
            EventKind::Reject(error)
            | EventKind::Abandon(error)
            | EventKind::Finish {
                result: Err(error), ..
            } => {
                let reason = error.reason();
                if reason == "full" {
                    pages.full += 1;
                }
                *pages.errors.entry(reason).or_default() += 1;
                pages.examples.entry(reason).or_insert_with(|| error.to_string());
            }
            _ => {}
        }
    }
}

fn settings(args: &Call) -> LaneSettings {
    let mut settings = LaneSettings {
        rate: args.rate,
        ..LaneSettings::default()
    };
    if let Some(concurrency) = args.concurrency {
        settings.concurrency = concurrency;
    }
    if let Some(queue) = args.queue {
        settings.queue = queue;
    }
    if let Some(burst) = args.burst {
        settings.burst = burst;
    }
    if let Some(failures) = args.breaker_failures {
        settings.breaker.consecutive = failures;
    }
    if let Some(retries) = args.retries {
        settings.retry.max = retries;
    }
    settings
}

pub(crate) async fn run(args: Call) -> Result<Summary, String> {
    let book = Arc::new(Book {
        print: args.events,
        ..Book::default()
    });
    let pool = Pool::builder(Arc::new(HttpTransports::new(HttpOptions::default())))
        .name("lab")
        .settings(settings(&args))
        .listener(Arc::clone(&book) as _)
        .start();
    let began = Instant::now();
    let args = Arc::new(args);
    let next = Arc::new(AtomicUsize::new(0));
    let mut drivers = JoinSet::new();
    for _ in 0..args.parallel.get().min(args.count) {
        drivers.spawn(drive(pool.clone(), Arc::clone(&args), Arc::clone(&next)));
    }
    let mut times = Vec::new();
    while let Some(driven) = drivers.join_next().await {
        times.extend(driven.map_err(|error| format!("a driver ended early: {error}"))??);
    }
    let seconds = began.elapsed().as_secs_f64();
    let (rss, fds) = (process::rss_kib(), process::fds());
    let drained = pool.close(Drain { timeout: DRAIN }).await;
    drained.map_err(|error| error.to_string())?;
    let mut summary = Summary::default();
    put_pages(&mut summary, &book);
    let (lanes, gone) = pool.totals();
    let attempts: u64 = lanes.iter().map(|lane| lane.counts.attempts).sum();
    let breakers: BTreeMap<_, _> = lanes
        .iter()
        .map(|lane| (lane.lane.to_string(), lane.breaker.as_str()))
        .collect();
    summary
        .put("attempts", attempts + gone.attempts)
        .put("seconds", crate::summary::rounded(seconds))
        .put_percentiles(&mut times)
        .put("breakers", json!(breakers))
        .put("rss_kib", rss)
        .put("fds", fds);
    Ok(summary)
}

fn put_pages(summary: &mut Summary, book: &Book) {
    let pages = book.pages.lock().unwrap_or_else(PoisonError::into_inner);
    summary
        .put("taken", pages.taken)
        .put("full", pages.full)
        .put("statuses", json!(pages.statuses))
        .put("errors", json!(pages.errors))
        .put("examples", json!(pages.examples));
}

/// Offers the next request until there is none, each when the one before has ended. The times of those that were taken.
async fn drive(pool: Pool, args: Arc<Call>, next: Arc<AtomicUsize>) -> Result<Vec<Duration>, String> {
    let mut times = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= args.count {
            return Ok(times);
        }
        let task = task(&args, number)?;
        let (ended, end) = oneshot::channel::<()>();
        let consume = args.consumer;
        let began = Instant::now();
        let offer = pool.offer(task, move |response: Response, _: Parts| async move {
            if let Consume::Read = consume {
                let mut body = response.into_body();
                while let Some(Ok(_)) = body.chunk().await {}
            } else {
                drop(response);
            }
            drop(ended);
        });
        if let Offer::Taken = offer {
            // Nothing is sent: the other end goes with its consumer, called or not.
            drop(end.await);
            times.push(began.elapsed());
        }
    }
}

fn task(args: &Call, number: usize) -> Result<Task, String> {
    let url = &args.urls[number % args.urls.len()];
    let mut request = Request::new(RequestBody::empty());
    *request.uri_mut() = url.clone();
    let mut task = Task::ready(request).map_err(|error| error.to_string())?;
    if let Some(deadline) = args.deadline {
        task = task.within(deadline);
    }
    if let Some(expire) = args.expire {
        task = task.perishable(tokio::time::Instant::now() + expire);
    }
    Ok(task)
}
