//! `bench`: what a request costs.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
    time::{Duration, Instant},
};

use http::{StatusCode, Uri};
use stoa_dispatch::{
    Concurrency, Discard, Drain, HttpOptions, HttpTransports, LaneSettings, Offer, Pool, Request,
    RequestBody, Task,
};
use tokio::{task::JoinSet, time::MissedTickBehavior};

use crate::{
    args::Bench,
    bare::Bare,
    process,
    summary::{Summary, rounded},
};

/// The largest body that is taken.
const MAX_BODY: usize = 64 << 20;
/// Before anything is measured: connections are made, code and memory are warm.
const WARM_UP: Duration = Duration::from_millis(300);

/// Who is measured.
#[derive(Clone)]
enum Client {
    Pool(Pool),
    Bare(Arc<Bare>),
}

impl Client {
    fn new(args: &Bench) -> Result<Self, String> {
        if args.bare {
            return Ok(Self::Bare(Arc::new(Bare::new()?)));
        }
        let settings = LaneSettings {
            concurrency: Concurrency::Fixed(args.parallel.max(NonZeroUsize::MIN.saturating_add(15))),
            ..LaneSettings::default()
        };
        let transports = Arc::new(HttpTransports::new(HttpOptions::default()));
        let pool = Pool::builder(transports).name("bench").settings(settings).start();
        Ok(Self::Pool(pool))
    }

    async fn get(&self, url: &Uri) -> Result<usize, String> {
        match self {
            Self::Bare(bare) => bare.get(url).await,
            Self::Pool(pool) => {
                let response = pool.call(get(url)?).await.map_err(|error| error.to_string())?;
                if response.status() != StatusCode::OK {
                    return Err(format!("the server said {}", response.status()));
                }
                let body = response.into_body().bytes(MAX_BODY).await;
                let body = body.map_err(|error| error.to_string())?;
                Ok(body.ok_or("the body is too large")?.len())
            }
        }
    }
}

fn get(url: &Uri) -> Result<Task, String> {
    let mut request = Request::new(RequestBody::empty());
    *request.uri_mut() = url.clone();
    Task::ready(request).map_err(|error| error.to_string())
}

pub(crate) async fn run(args: Bench) -> Result<Summary, String> {
    let client = Client::new(&args)?;
    let crowd = match (&client, args.beside.clone()) {
        (Client::Pool(pool), Some(url)) => Some(crowd(pool.clone(), url)),
        _ => None,
    };
    let time = Duration::from_secs_f64(args.seconds);
    measure(&client, &args, WARM_UP).await?;
    let (began, cpu) = (Instant::now(), process::cpu());
    let mut times = measure(&client, &args, time).await?;
    let (took, cpu) = (began.elapsed().as_secs_f64(), process::cpu().saturating_sub(cpu));
    drop(crowd);
    if let Client::Pool(pool) = &client {
        let timeout = Duration::ZERO;
        pool.close(Drain { timeout })
            .await
            .map_err(|error| error.to_string())?;
    }
    let requests = u32::try_from(times.len()).unwrap_or(u32::MAX);
    let mut summary = Summary::default();
    summary
        .put("requests", requests)
        .put("requests_per_second", rounded(f64::from(requests) / took))
        .put(
            "cpu_us_per_request",
            rounded(cpu.as_secs_f64() * 1e6 / f64::from(requests.max(1))),
        )
        .put_percentiles(&mut times)
        .put("rss_kib", process::rss_kib());
    Ok(summary)
}

async fn measure(client: &Client, args: &Bench, time: Duration) -> Result<Vec<Duration>, String> {
    match args.rps {
        Some(rps) => paced(client, args, rps, time).await,
        None => closed(client, args, time).await,
    }
}

/// As many as so many callers get through.
async fn closed(client: &Client, args: &Bench, time: Duration) -> Result<Vec<Duration>, String> {
    let until = Instant::now() + time;
    let mut callers = JoinSet::new();
    for _ in 0..args.parallel.get() {
        let (client, url) = (client.clone(), args.url.clone());
        callers.spawn(async move {
            let mut times = Vec::new();
            let mut began = Instant::now();
            while began < until {
                client.get(&url).await?;
                let now = Instant::now();
                times.push(now - began);
                began = now;
            }
            Ok::<_, String>(times)
        });
    }
    collect(callers)
        .await
        .map(|all| all.into_iter().flatten().collect())
}

/// One after another at even distances, whether or not those before have ended.
async fn paced(
    client: &Client,
    args: &Bench,
    rps: NonZeroU32,
    time: Duration,
) -> Result<Vec<Duration>, String> {
    let until = Instant::now() + time;
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rps.get());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut calls = JoinSet::new();
    while Instant::now() < until {
        ticks.tick().await;
        let (client, url) = (client.clone(), args.url.clone());
        calls.spawn(async move {
            let began = Instant::now();
            client.get(&url).await?;
            Ok::<_, String>(began.elapsed())
        });
    }
    collect(calls).await
}

async fn collect<T: 'static>(mut tasks: JoinSet<Result<T, String>>) -> Result<Vec<T>, String> {
    let mut all = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        all.push(ended.map_err(|error| format!("a caller ended early: {error}"))??);
    }
    Ok(all)
}

/// Fills the lane of a server, and offers one more every millisecond until this is dropped.
fn crowd(pool: Pool, url: Uri) -> JoinSet<Result<(), String>> {
    let mut crowd = JoinSet::new();
    crowd.spawn(async move {
        while let Offer::Taken = pool.offer(get(&url)?, Discard) {}
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        loop {
            ticks.tick().await;
            pool.offer(get(&url)?, Discard);
        }
    });
    crowd
}
