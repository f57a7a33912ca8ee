//! `/api/v1/lanes`: what the dispatcher's lanes do, and overrides of their settings.

use std::{num::NonZeroU32, str::FromStr, time::Duration};

use axum::{
    Router,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    routing::get,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stoa_dispatch::{BreakerState, DispatchError, LaneKey, LaneStatus, LaneUpdate, Pool};

use super::json::Json;
use crate::problem::Problem;

/// What can be changed.
const SETTINGS: &str = "concurrency, queue, rate, burst or breaker";

/// The routes: `root`, and a lane below it.
pub(super) fn routes(root: &str) -> Router<Pool> {
    let lane = get(show).put(set).delete(reset);
    Router::new()
        .route(root, get(list))
        .route(&format!("{root}/{{lane}}"), lane)
}

/// All lanes.
#[derive(Debug, Serialize)]
struct Lanes {
    lanes: Vec<View>,
}

/// A lane, as JSON. Times are in seconds.
#[derive(Debug, Serialize)]
struct View {
    lane: String,
    running: usize,
    waiting: usize,
    limit: usize,
    concurrency: String,
    queue: usize,
    /// Absent if there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<String>,
    burst: u32,
    /// `closed`, `open`, `half_open`.
    breaker: &'static str,
    /// `active`, `observe`, `disabled`, `forced_open`.
    breaker_mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    breaker_open_seconds: Option<f64>,
    /// Module hosts that the breaker refuses although it lets others pass.
    breaker_open_for: usize,
    /// Whether the configuration names the host, so that no other host takes its lane.
    named: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttled_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<String>,
    /// Whether an operator has overridden some of its settings.
    overridden: bool,
    /// When the override ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    reverts_in_seconds: Option<f64>,
    idle_seconds: f64,
    counts: Counts,
}

#[derive(Debug, Serialize)]
struct Counts {
    queued: u64,
    rejected: u64,
    started: u64,
    abandoned: u64,
    succeeded: u64,
    refused: u64,
    failed: u64,
    attempts: u64,
    retries: u64,
    throttles: u64,
    breaker_openings: u64,
}

impl From<LaneStatus> for View {
    fn from(status: LaneStatus) -> Self {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        let open = match status.breaker {
            BreakerState::Open { remaining } => Some(remaining),
            BreakerState::Closed | BreakerState::HalfOpen => None,
        };
        let (settings, counts) = (status.settings, status.counts);
        Self {
            lane: status.lane.to_string(),
            running: status.running,
            waiting: status.waiting,
            limit: status.limit,
            concurrency: settings.concurrency.to_string(),
            queue: settings.queue,
            rate: settings.rate.map(|rate| rate.to_string()),
            burst: settings.burst.get(),
            breaker: status.breaker.as_str(),
            breaker_mode: status.mode.as_str(),
            breaker_open_seconds: seconds(open),
            breaker_open_for: status.open_shares,
            named: status.named,
            throttled_seconds: seconds(status.throttled),
            last_failure: status.last_failure.map(|text| text.to_string()),
            overridden: status.overridden,
            reverts_in_seconds: seconds(status.reverts_in),
            idle_seconds: status.idle.as_secs_f64(),
            counts: Counts {
                queued: counts.queued,
                rejected: counts.rejected,
                started: counts.started,
                abandoned: counts.abandoned,
                succeeded: counts.succeeded,
                refused: counts.refused,
                failed: counts.failed,
                attempts: counts.attempts,
                retries: counts.retries,
                throttles: counts.throttles,
                breaker_openings: counts.openings,
            },
        }
    }
}

/// A change: settings by name, in the texts of the configuration file. What is absent stays as it is.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Change(Map<String, Value>);

impl Change {
    fn parse(self) -> Result<LaneUpdate, Problem> {
        let mut update = LaneUpdate::default();
        for (name, value) in self.0 {
            let read = text(&value).and_then(|text| read(&mut update, &name, &text));
            read.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("{name}: {error}")))?;
        }
        let nothing = LaneUpdate {
            lasting: update.lasting,
            ..LaneUpdate::default()
        };
        if update == nothing {
            let detail = format!("nothing to change: name {SETTINGS}");
            return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
        }
        Ok(update)
    }
}

/// A number or a text, as a text.
fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(format!("bad value {other}: write a number or a text")),
    }
}

/// Reads one setting into the update.
fn read(update: &mut LaneUpdate, name: &str, text: &str) -> Result<(), String> {
    match name {
        "concurrency" => update.concurrency = Some(text.parse()?),
        "queue" => update.queue = Some(number::<u32>(text)? as usize),
        // An empty text is for no limit.
        "rate" if text.is_empty() => update.rate = Some(None),
        "rate" => update.rate = Some(Some(text.parse()?)),
        "burst" => update.burst = Some(number::<NonZeroU32>(text)?),
        "breaker" => update.breaker = Some(text.parse()?),
        // For how long, such as `10m`; without it, until the lane is reset.
        "for" => {
            let time = humantime::parse_duration(text)
                .ok()
                .filter(|time| !time.is_zero());
            let bad = || format!("bad duration {text:?}: write a number and s, m or h");
            update.lasting = Some(time.ok_or_else(bad)?);
        }
        _ => return Err(format!("there is no such setting; name {SETTINGS}")),
    }
    Ok(())
}

fn number<N: FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("bad number {text:?}"))
}

async fn list(State(dispatcher): State<Pool>) -> Json<Lanes> {
    let lanes = dispatcher.lanes().into_iter().map(View::from).collect();
    Json(Lanes { lanes })
}

async fn show(State(dispatcher): State<Pool>, name: Name) -> Result<Json<View>, Problem> {
    let key = key(&dispatcher, name)?;
    let status = dispatcher.lane(&key);
    status.map(|status| Json(status.into())).ok_or_else(|| none(&key))
}

async fn set(
    State(dispatcher): State<Pool>,
    name: Name,
    Json(change): Json<Change>,
) -> Result<Json<View>, Problem> {
    let (key, update) = (key(&dispatcher, name)?, change.parse()?);
    let status = dispatcher
        .set_lane(&key, &update)
        .map_err(|error| failed(&error))?;
    tracing::info!(lane = %key, ?update, "an operator overrode settings of a lane");
    Ok(Json(status.into()))
}

async fn reset(State(dispatcher): State<Pool>, name: Name) -> Result<Json<View>, Problem> {
    let key = key(&dispatcher, name)?;
    let status = dispatcher.reset_lane(&key).ok_or_else(|| none(&key))?;
    tracing::info!(lane = %key, "an operator ended the override of a lane");
    Ok(Json(status.into()))
}

/// The last element of the path. What cannot be decoded is told as a problem, as everything else is.
type Name = Result<Path<String>, PathRejection>;

/// The lane of a host, which is its own however the host is written. A lane that has another name must exist.
fn key(dispatcher: &Pool, name: Name) -> Result<LaneKey, Problem> {
    let bad = |error: String| Problem::new(StatusCode::BAD_REQUEST, error);
    let Path(name) = name.map_err(|error| bad(error.body_text()))?;
    let of_host = match LaneKey::of_host(&name) {
        Ok(key) => return Ok(key),
        Err(error) => bad(format!("bad lane {name:?}: {error}")),
    };
    let named = LaneKey::named(&name).ok();
    let exists = named.filter(|key| dispatcher.lane(key).is_some());
    exists.ok_or(of_host)
}

fn none(key: &LaneKey) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        format!("there is no lane {key}: it appears with its first request, as HOST or HOST:PORT"),
    )
}

fn failed(error: &DispatchError) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<LaneUpdate, String> {
        let change: Change = serde_json::from_str(json).map_err(|error| error.to_string())?;
        change.parse().map_err(|problem| problem.detail)
    }

    #[test]
    fn changes_are_read_as_the_configuration_writes_them() {
        let update =
            parse(r#"{"concurrency":8,"queue":0,"rate":"5/s","burst":2,"breaker":"observe","for":"10m"}"#)
                .expect("update");
        assert_eq!(
            update,
            LaneUpdate {
                concurrency: Some("8".parse().expect("concurrency")),
                queue: Some(0),
                rate: Some(Some("5/s".parse().expect("rate"))),
                burst: NonZeroU32::new(2),
                breaker: Some("observe".parse().expect("mode")),
                lasting: Some(Duration::from_secs(600)),
            }
        );
        let update = parse(r#"{"concurrency":"auto","rate":""}"#).expect("update");
        assert_eq!((update.rate, update.queue), (Some(None), None));
    }

    #[test]
    fn a_bad_change_says_what_may_be_written() {
        for (json, want) in [
            ("{}", "nothing to change"),
            (r#"{"for":"1m"}"#, "nothing to change"),
            (
                r#"{"rate":"fast"}"#,
                "rate: bad rate \"fast\": write a number and /s, /m or /h",
            ),
            (r#"{"concurrency":0}"#, "concurrency: bad concurrency \"0\""),
            (r#"{"queue":"many"}"#, "queue: bad number \"many\""),
            (r#"{"queue":-1}"#, "queue: bad number \"-1\""),
            (r#"{"queue":1.5}"#, "queue: bad number \"1.5\""),
            (r#"{"burst":0}"#, "burst: bad number \"0\""),
            (
                r#"{"rate":null}"#,
                "rate: bad value null: write a number or a text",
            ),
            (r#"{"rate":["5/s"]}"#, "rate: bad value [\"5/s\"]: write"),
            (
                r#"{"breaker":"open"}"#,
                "breaker: bad breaker mode \"open\": write active, observe",
            ),
            (r#"{"rate":"","for":"0s"}"#, "for: bad duration \"0s\""),
            (
                r#"{"speed":1}"#,
                "speed: there is no such setting; name concurrency, queue, rate, burst or breaker",
            ),
        ] {
            let error = parse(json).expect_err(json);
            assert!(error.contains(want), "{json}: {error}");
        }
    }
}
