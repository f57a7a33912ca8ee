//! What is written about one request, and in which span.

use std::{
    cell::RefCell,
    fmt::{self, Write},
    sync::{Arc, Once},
};

use parking_lot::Mutex;
use stoa_dispatch::{Class, Discard, LaneSettings, Offer, RetrySettings, Task};
use tracing::{
    Event, Instrument, Level, Metadata, Subscriber,
    field::{Field, Visit},
    info_span,
    span::{Attributes, Id},
    subscriber::Interest,
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
};

use crate::{
    lab::{LANE, Lab, bounds, gate, get, ms, secs, settle},
    origin::Answer,
};

/// Lines as `request: message field=value ...`, `request` being the field of the span that the line is in.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "task" => {}
            "lane" => assert_eq!(format!("{value:?}"), LANE),
            name => write!(self.fields, " {name}={value:?}").expect("a string"),
        }
    }
}

thread_local! {
    /// What the test of this thread captures. Each test here runs on one thread.
    static CAPTURED: RefCell<Option<(Level, Lines)>> = const { RefCell::new(None) };
}

/// Gives each line to the test of its thread. It is the subscriber of the whole process: one of a single thread misses the
/// lines of a place in the code that a thread without a subscriber reached first.
struct ByThread;

/// Ends the capture of this thread.
struct Capture;

impl Drop for Capture {
    fn drop(&mut self) {
        CAPTURED.take();
    }
}

fn captured() -> Option<(Level, Lines)> {
    CAPTURED.with_borrow(Clone::clone)
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for ByThread {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // It depends on the thread.
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        captured().is_some_and(|(level, _)| *metadata.level() <= level)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut text = Text::default();
        attributes.record(&mut text);
        let span = context.span(id).expect("span");
        span.extensions_mut().insert(text.fields);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !event.metadata().target().starts_with("stoa_dispatch") {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let span = context.event_span(event);
        let span = span.map(|span| span.extensions().get::<String>().cloned().unwrap_or_default());
        let span = span.unwrap_or_else(|| " none".to_owned());
        let Some((_, lines)) = captured() else { return };
        lines
            .0
            .lock()
            .push(format!("{}: {}{}", &span[1..], text.message, text.fields));
    }
}

impl Lines {
    fn capture(level: Level) -> (Self, Capture) {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            let subscriber = Registry::default().with(ByThread);
            tracing::subscriber::set_global_default(subscriber).expect("the only one");
        });
        let lines = Self::default();
        CAPTURED.set(Some((level, lines.clone())));
        (lines, Capture)
    }

    /// The lines of one span, in their order.
    fn of(&self, span: &str) -> Vec<String> {
        let lines = self.0.lock();
        let own = lines
            .iter()
            .filter_map(|line| line.strip_prefix(span)?.strip_prefix(": "));
        own.map(str::to_owned).collect()
    }
}

fn retrying() -> LaneSettings {
    LaneSettings {
        retry: RetrySettings::default(),
        ..bounds(1, 5)
    }
}

/// Every stage that a request can pass on its way, with a query and credentials that stay out.
#[tokio::test(start_paused = true)]
async fn every_stage_of_a_request_writes_a_line_in_the_span_of_its_caller() {
    let (lines, _guard) = Lines::capture(Level::DEBUG);
    let lab = Lab::new(retrying(), |seen| match seen.number {
        0 => Answer::ok().after(secs(1)),
        1 => Answer::status(502).after(ms(5)),
        2 => Answer::status(429).header("retry-after", "2"),
        _ => Answer::ok(),
    });
    let calls = ["one", "two"].map(|request| {
        let uri = format!("https://user:secret@{LANE}/{request}?token=secret");
        let task = http::Request::get(uri).body(().into()).expect("request");
        let task = Task::ready(task).expect("task");
        lab.outcome(task).instrument(info_span!("caller", request))
    });
    let (one, two) = {
        let [one, two] = calls;
        tokio::join!(one, two)
    };
    assert_eq!((one, two), (Ok(200), Ok(200)));
    assert_eq!(
        lines.of("request=\"one\""),
        [
            "started waited=0ns",
            "attempt attempt=1 method=GET host=\"origin.test\" path=\"/one\"",
            "response attempt=1 status=200 took=1s",
            "ended status=200 took=1s",
        ]
    );
    assert_eq!(
        lines.of("request=\"two\""),
        [
            "queued before=0 waiting=1",
            "started waited=1s",
            "attempt attempt=1 method=GET host=\"origin.test\" path=\"/two\"",
            "response attempt=1 status=502 took=5ms",
            "retry retry=1 pause=100ms reason=502 Bad Gateway",
            "attempt attempt=2 method=GET host=\"origin.test\" path=\"/two\"",
            "response attempt=2 status=429 took=0ns",
            "the server throttles the lane pause=2s",
            "attempt attempt=3 method=GET host=\"origin.test\" path=\"/two\"",
            "response attempt=3 status=200 took=0ns",
            "ended status=200 took=2.105s",
        ]
    );
    assert!(!lines.0.lock().iter().any(|line| line.contains("secret")));
}

#[tokio::test(start_paused = true)]
async fn what_keeps_a_request_from_its_response_is_written_too() {
    let (lines, _guard) = Lines::capture(Level::DEBUG);
    let lab = Lab::new(bounds(1, 0), |_| Answer::hangs());
    let task = get("/slow").within(secs(3));
    let slow = lab
        .outcome(task)
        .instrument(info_span!("caller", request = "slow"));
    let refused = async {
        settle().await;
        lab.outcome(get("/refused")).await
    };
    let refused = refused.instrument(info_span!("caller", request = "refused"));
    assert_eq!(tokio::join!(slow, refused), (Err("deadline"), Err("full")));
    assert_eq!(
        lines.of("request=\"slow\"")[2..],
        [
            "no response attempt=1 error=origin.test: the deadline of 3s passed while waiting for a response took=3s",
            "ended error=origin.test: the deadline of 3s passed while waiting for a response took=3s",
        ]
    );
    assert_eq!(
        lines.of("request=\"refused\""),
        ["refused error=origin.test: the queue is full: 0 requests wait already"]
    );
}

/// The tasks of the pool run in the span of the caller that handed them over, and so do their consumers.
#[tokio::test(start_paused = true)]
async fn a_task_that_was_handed_over_keeps_the_span_of_its_caller() {
    let (lines, _guard) = Lines::capture(Level::DEBUG);
    let gate = gate();
    let lab = Lab::new(bounds(1, 1), {
        let gate = Arc::clone(&gate);
        move |_| Answer::ok().behind(&gate)
    });
    info_span!("caller", request = "offered").in_scope(|| {
        assert!(matches!(lab.pool.offer(get("/"), Discard), Offer::Taken));
    });
    let consumer = |response: stoa_dispatch::Response, _parts| async move {
        tracing::debug!(target: "stoa_dispatch::consumer", "consumed");
        drop(response);
    };
    let task = get("/").urgency(Class::Background);
    let sent = lab
        .pool
        .send(task, consumer)
        .instrument(info_span!("caller", request = "sent"));
    sent.await.expect("taken");
    gate.add_permits(2);
    lab.is_clean().await;
    let words = |span: &str| {
        let lines = lines.of(span);
        let words = lines
            .iter()
            .map(|line| line.split(' ').next().unwrap_or_default().to_owned());
        words.collect::<Vec<_>>()
    };
    assert_eq!(
        words("request=\"offered\""),
        ["started", "attempt", "response", "ended"]
    );
    assert_eq!(
        words("request=\"sent\""),
        ["queued", "started", "attempt", "response", "consumed", "ended"]
    );
    assert!(lines.of("none").is_empty());
}

/// At the level that is in force without configuration, no line is made; a value of one would be formatted by its layer.
#[tokio::test(start_paused = true)]
async fn nothing_is_written_above_debug() {
    let (lines, _guard) = Lines::capture(Level::INFO);
    let lab = Lab::new(retrying(), |seen| match seen.number {
        0 => Answer::status(502),
        _ => Answer::ok(),
    });
    assert_eq!(lab.outcome(get("/")).await, Ok(200));
    assert!(lines.0.lock().is_empty(), "{:?}", lines.0.lock());
}
