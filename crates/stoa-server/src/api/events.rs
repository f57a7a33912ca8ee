//! `/api/v1/events`: what happens to jobs, as server-sent events.

mod feed;
mod filter;

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream;
use stoa_jobs::{Engine, EventId};
use tokio::sync::Semaphore;

use self::{feed::Feed, filter::EventFilter};
use super::jobs::query_of;
use crate::{drain::DrainToken, problem::Problem};

/// How many streams there may be at a time: each keeps a connection.
const MAX_STREAMS: usize = 64;
/// When somebody who finds no place may ask again, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("10");
/// How often a stream says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What streams share.
#[derive(Clone, Debug)]
pub(super) struct Events {
    engine: Arc<Engine>,
    places: Arc<Semaphore>,
    heartbeat: Duration,
}

impl Events {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self::with(engine, MAX_STREAMS, HEARTBEAT)
    }

    fn with(engine: Arc<Engine>, streams: usize, heartbeat: Duration) -> Self {
        Self {
            engine,
            places: Arc::new(Semaphore::new(streams)),
            heartbeat,
        }
    }
}

/// The routes, whole.
pub(super) fn routes(path: &str) -> Router<Events> {
    Router::new().route(path, get(follow))
}

/// Nothing is read for a stream before its client takes what came before, so that a slow one holds no memory. One that is too far
/// behind is told, and cut off; it may go on from its last event.
async fn follow(
    State(events): State<Events>,
    drain: Option<Extension<DrainToken>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let filter: EventFilter = query_of::<filter::EventQuery>(&uri)?
        .read()
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error))?;
    let after = last_event_id(&headers)?;
    let Ok(place) = Arc::clone(&events.places).try_acquire_owned() else {
        let detail = "as many streams of events as this server has are open; ask again later";
        let mut response = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response();
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        return Ok(response);
    };
    let feed = Feed::open(&events.engine, filter, after, events.heartbeat)
        .await
        .map_err(|error| super::jobs::problem(&error))?;
    let drain = drain.map(|Extension(drain)| drain);
    // The place is free again when the stream is dropped.
    let parts = stream::unfold((feed, drain, place), |(mut feed, drain, place)| async move {
        let drained = async {
            match &drain {
                Some(drain) => drain.begun().await,
                None => std::future::pending().await,
            }
        };
        let part = tokio::select! {
            biased;
            () = drained => None,
            part = feed.next() => part,
        };
        part.map(|part| (Ok::<_, Infallible>(part), (feed, drain, place)))
    });
    let kind = [
        (header::CONTENT_TYPE, "text/event-stream"),
        // What a reverse proxy keeps back is of no use to anybody.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((kind, Body::from_stream(parts)).into_response())
}

/// The event after which the client wants to go on.
fn last_event_id(headers: &HeaderMap) -> Result<Option<EventId>, Problem> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let id = value.to_str().ok().and_then(|text| text.parse().ok());
    id.map(|id| Some(EventId(id))).ok_or_else(|| {
        let detail = "Last-Event-ID is the id of an event, which is a number";
        Problem::new(StatusCode::BAD_REQUEST, detail)
    })
}

#[cfg(test)]
mod tests;
