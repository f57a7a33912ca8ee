use http_body_util::BodyExt as _;
use serde_json::json;
use stoa_jobs::{MemoryStore, NewJob, Rules, SystemClock, SystemRandom};
use tokio::{task::yield_now, time::timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::*;

/// Far more than any test takes.
const NEVER: Duration = Duration::from_secs(3600);

/// How long a part may take: longer than a heartbeat.
const LONGEST: Duration = Duration::from_secs(20);

async fn engine() -> Arc<Engine> {
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let store = MemoryStore::new(Rules::default(), clock, random);
    let engine = Engine::builder(Arc::new(store)).start();
    // The engine reads where the events are now.
    for _ in 0..10 {
        yield_now().await;
    }
    Arc::new(engine)
}

async fn submit(engine: &Engine, key: &str, count: usize) {
    let job = NewJob::new(key.parse().expect("a key"), json!({}));
    let submitted = engine.store().submit(vec![job; count]).await.expect("a store");
    assert_eq!(submitted.len(), count);
}

/// One stream.
struct Opened {
    status: StatusCode,
    retry_after: Option<String>,
    body: Body,
    drain: CancellationToken,
}

impl Opened {
    /// The next part as text; none at the end.
    async fn part(&mut self) -> Option<String> {
        let frame = timeout(LONGEST, self.body.frame()).await.expect("a part in time");
        let frame = frame?.expect("no error");
        let bytes = frame.into_data().expect("data").to_vec();
        Some(String::from_utf8(bytes).expect("text"))
    }
}

async fn open(events: &Events, query: &str, last: Option<&str>) -> Opened {
    let drain = CancellationToken::new();
    let mut request = http::Request::builder().uri(format!("/e{query}"));
    if let Some(last) = last {
        request = request.header("Last-Event-ID", last);
    }
    let mut request = request.body(Body::empty()).expect("a request");
    request.extensions_mut().insert(DrainToken::new(drain.clone()));
    let routes = routes("/e").with_state(events.clone());
    let response = routes.oneshot(request).await.expect("infallible");
    let retry_after = response.headers().get(header::RETRY_AFTER);
    Opened {
        status: response.status(),
        retry_after: retry_after.map(|value| value.to_str().expect("text").to_owned()),
        body: response.into_body(),
        drain,
    }
}

#[tokio::test]
async fn a_stream_goes_on_after_the_last_event_and_shows_what_is_wanted() {
    let engine = engine().await;
    let events = Events::with(Arc::clone(&engine), 8, NEVER);
    submit(&engine, "url/a", 3).await;
    submit(&engine, "module/b", 1).await;
    let mut stream = open(&events, "?kind=module&state=ready,dead", Some("1")).await;
    assert_eq!(stream.part().await.as_deref(), Some("retry: 2000\nid: 1\n\n"));
    let part = stream.part().await.expect("an event");
    assert!(
        part.starts_with("id: 4\nevent: job\ndata: {") && part.ends_with("}\n\n"),
        "{part}"
    );
    let data = part.lines().find_map(|line| line.strip_prefix("data: "));
    let data: serde_json::Value = serde_json::from_str(data.expect("data")).expect("JSON");
    assert_eq!(
        (&data["kind"], &data["aggregation"], &data["state"]),
        (&json!("module"), &json!("module/b"), &json!("ready"))
    );
    let job = data["job"].as_str().expect("an id").to_owned();
    // What happens from now on.
    submit(&engine, "url/a", 2).await;
    submit(&engine, "module/b", 1).await;
    let part = stream.part().await.expect("an event");
    assert!(part.starts_with("id: 7\n"), "{part}");
    assert_eq!(part.matches("event: job").count(), 1);
    let mut of_job = open(&events, &format!("?job={job}"), Some("0")).await;
    of_job.part().await;
    assert!(of_job.part().await.expect("an event").starts_with("id: 4\n"));
    let mut now = open(&events, "", None).await;
    assert_eq!(now.part().await.as_deref(), Some("retry: 2000\nid: 7\n\n"));
    submit(&engine, "url/a", 1).await;
    assert!(now.part().await.expect("an event").starts_with("id: 8\n"));
    for (query, last) in [("?state=fine", None), ("?colour=blue", None), ("", Some("soon"))] {
        assert_eq!(open(&events, query, last).await.status, 400, "{query} {last:?}");
    }
}

#[tokio::test]
async fn events_that_are_gone_are_told_of() {
    let engine = engine().await;
    let events = Events::with(Arc::clone(&engine), 8, NEVER);
    let mut foreign = open(&events, "", Some("900")).await;
    let want = "retry: 2000\nevent: gap\ndata: {\"after\":900,\"until\":0}\nid: 0\n\n";
    assert_eq!(foreign.part().await.as_deref(), Some(want));
    // More than a store keeps.
    submit(&engine, "url/a", 25_000).await;
    let kept = engine.store().events(EventId(0), 1).await.expect("a store")[0]
        .id
        .0;
    let mut late = open(&events, "", Some("1")).await;
    late.part().await;
    let part = late.part().await.expect("a gap");
    let until = kept - 1;
    let want = format!(
        "event: gap\ndata: {{\"after\":1,\"until\":{until}}}\nid: {until}\n\nid: {kept}\nevent: job\n"
    );
    assert!(kept > 2 && part.starts_with(&want), "{part:.200}");
}

#[tokio::test]
async fn a_slow_reader_is_cut_off() {
    let engine = engine().await;
    let events = Events::with(Arc::clone(&engine), 8, NEVER);
    let mut slow = open(&events, "", None).await;
    slow.part().await;
    let mut all = engine.events();
    submit(&engine, "url/a", 5_000).await;
    // Until the engine has told all of them.
    loop {
        if matches!(all.recv().await, Ok(event) if event.id == EventId(5_000)) {
            break;
        }
    }
    let part = slow.part().await.expect("why it ends");
    assert!(part.starts_with("event: behind\ndata: {"), "{part:.200}");
    assert_eq!(slow.part().await, None);
}

#[tokio::test]
async fn streams_are_bounded_and_end_at_a_drain() {
    let engine = engine().await;
    let events = Events::with(Arc::clone(&engine), 1, NEVER);
    let mut first = open(&events, "", None).await;
    first.part().await;
    let second = open(&events, "", None).await;
    assert_eq!(
        (second.status, second.retry_after.as_deref()),
        (StatusCode::SERVICE_UNAVAILABLE, Some("10"))
    );
    first.drain.cancel();
    assert_eq!(first.part().await, None, "it ends at once");
    drop(first);
    assert_eq!(open(&events, "", None).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_says_that_it_is_alive_and_how_far_it_is() {
    let engine = engine().await;
    let events = Events::new(Arc::clone(&engine));
    let mut stream = open(&events, "?kind=module", None).await;
    stream.part().await;
    submit(&engine, "url/a", 2).await;
    assert_eq!(stream.part().await.as_deref(), Some(": alive\nid: 2\n\n"));
}
