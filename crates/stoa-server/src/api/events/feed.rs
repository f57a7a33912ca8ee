//! The parts of one stream of events.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use stoa_jobs::{Engine, Event, EventId, StoreError};
use stoa_telemetry::visible;
use tokio::{sync::broadcast, time::timeout};

use super::{super::jobs::moment, filter::EventFilter};

/// How many events are read in one question, and sent in one part.
const PAGE: usize = 256;
/// After how many milliseconds a client whose connection broke connects again.
const RECONNECT: u64 = 2_000;

/// Events as a client reads them: first those that the store has kept after its last one, then those that happen.
#[derive(Debug)]
pub(super) struct Feed {
    engine: Arc<Engine>,
    filter: EventFilter,
    heartbeat: Duration,
    live: broadcast::Receiver<Event>,
    /// The last event that was looked at, shown or not.
    last: EventId,
    /// Whether what the store has kept is still being read.
    is_behind: bool,
    greeting: Option<String>,
    has_ended: bool,
}

impl Feed {
    /// What happens after `after`, or from now on.
    pub(super) async fn open(
        engine: &Arc<Engine>,
        filter: EventFilter,
        after: Option<EventId>,
        heartbeat: Duration,
    ) -> Result<Self, StoreError> {
        // First of all, so that nothing is missed between the store and what happens.
        let live = engine.events();
        let newest = engine.store().last_event().await?;
        let mut greeting = format!("retry: {RECONNECT}\n");
        // Events are those of another store, or of this one before it was made anew.
        let is_foreign = after.is_some_and(|after| after > newest);
        if let Some(after) = after.filter(|_| is_foreign) {
            greeting += &gap(after, newest);
        }
        let last = after.filter(|_| !is_foreign).unwrap_or(newest);
        greeting += &mark(last);
        Ok(Self {
            engine: Arc::clone(engine),
            filter,
            heartbeat,
            live,
            last,
            is_behind: last < newest,
            greeting: Some(greeting),
            has_ended: false,
        })
    }

    /// The next part; none at the end.
    pub(super) async fn next(&mut self) -> Option<String> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        if self.has_ended {
            return None;
        }
        let Ok(part) = timeout(self.heartbeat, self.part()).await else {
            // The id moves on also where nothing is shown, so that the client goes on from here.
            return Some(format!(": alive\nid: {}\n\n", self.last.0));
        };
        part
    }

    /// What is shown next.
    async fn part(&mut self) -> Option<String> {
        loop {
            while self.is_behind {
                match self.engine.store().events(self.last, PAGE).await {
                    Ok(events) => {
                        self.is_behind = events.len() >= PAGE;
                        let part = self.show(events, true);
                        if !part.is_empty() {
                            return Some(part);
                        }
                    }
                    Err(error) => return Some(self.end("failed", &error.to_string())),
                }
            }
            let mut events = Vec::new();
            match self.live.recv().await {
                Ok(event) => events.push(event),
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    let text = format!("this client is {missed} events or more behind");
                    return Some(self.end("behind", &text));
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
            while events.len() < PAGE
                && let Ok(event) = self.live.try_recv()
            {
                events.push(event);
            }
            let part = self.show(events, false);
            if !part.is_empty() {
                return Some(part);
            }
        }
    }

    /// The text of events that are wanted. Those that are missing between them are looked for in the store, and if it has not kept
    /// them the client is told.
    fn show(&mut self, events: Vec<Event>, is_of_store: bool) -> String {
        let mut part = String::new();
        for event in events {
            // What was read from the store comes once more when it happens.
            if event.id <= self.last {
                continue;
            }
            if event.id.0 > self.last.0 + 1 {
                if !is_of_store {
                    self.is_behind = true;
                    break;
                }
                let until = EventId(event.id.0 - 1);
                part += &gap(self.last, until);
                part += &mark(until);
            }
            self.last = event.id;
            if self.filter.matches(&event) {
                part += &text(&event);
            }
        }
        part
    }

    fn end(&mut self, name: &str, why: &str) -> String {
        self.has_ended = true;
        let why = visible(why).into_owned();
        format!("event: {name}\ndata: {}\n\n", json!({ "detail": why }))
    }
}

/// From where the client goes on.
fn mark(id: EventId) -> String {
    format!("id: {}\n\n", id.0)
}

/// Says that events are missing; the id follows.
fn gap(after: EventId, until: EventId) -> String {
    let data = json!({ "after": after.0, "until": until.0 });
    format!("event: gap\ndata: {data}\n")
}

fn text(event: &Event) -> String {
    let mut data = json!({
        "job": event.job,
        "kind": event.aggregation.kind().as_str(),
        "aggregation": event.aggregation.to_string(),
        "state": event.to,
        "at": moment(event.at),
    });
    if let Some(class) = &event.class {
        data["class"] = class.to_string().into();
    }
    // JSON has no line breaks of its own, and what else steers a terminal is escaped.
    let data = data.to_string();
    format!("id: {}\nevent: job\ndata: {}\n\n", event.id.0, visible(&data))
}
