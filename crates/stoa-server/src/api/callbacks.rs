//! `/api/v1/callbacks`: how the ends of jobs were told.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, Uri},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use stoa_jobs::{
    Action, Cursor, Engine, Failure, Job, JobQuery, StateName,
    callback::{CallbackPayload, KafkaPayload},
};

use super::{
    jobs::{AttemptView, PAGE, act_on, id_of, moment, page_size, problem, query_of, states_of, unknown},
    json::Json,
};
use crate::problem::Problem;

/// The routes, whole.
pub(super) fn routes(path: &str) -> Router<Arc<Engine>> {
    Router::new()
        .route(path, get(list))
        .route(&format!("{path}/{{id}}/retry"), post(retry))
}

/// The query string of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ListQuery {
    /// States, with commas between them.
    state: String,
    /// How they are delivered: `http` if it is not named, or `kafka`.
    backend: String,
    /// The job that they tell of.
    job: Option<String>,
    limit: Option<usize>,
    /// Where the page before this one ended.
    cursor: Option<u64>,
}

/// A callback as the API shows it. Its body is not shown, and its target without what may be secret in it.
#[derive(Debug, Serialize)]
struct CallbackView {
    id: String,
    /// The job that it tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<String>,
    target: String,
    state: StateName,
    submitted: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    charged: u32,
    max_attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    /// The log of its delivery.
    attempts: Vec<AttemptView>,
}

impl CallbackView {
    fn of(job: &Job) -> Self {
        // The title is `TARGET for JOB`, whose target was made without secrets when the callback was.
        let (target, told) = match job.title.rsplit_once(" for ") {
            Some((target, told)) => (target, Some(told.to_owned())),
            None => ("", None),
        };
        Self {
            id: job.id.to_string(),
            job: told,
            target: target.to_owned(),
            state: job.state.name(),
            submitted: moment(job.submitted),
            ended: job.state.ended_at().map(moment),
            charged: job.charged,
            max_attempts: job.max_attempts.get(),
            failure: super::jobs::failure_of(job),
            attempts: job.attempts.iter().map(AttemptView::of).collect(),
        }
    }
}

fn is_callback(job: &Job) -> bool {
    [CallbackPayload::KIND, KafkaPayload::KIND].contains(&job.aggregation.kind().as_str())
}

async fn list(State(engine): State<Arc<Engine>>, uri: Uri) -> Result<Json<serde_json::Value>, Problem> {
    let asked: ListQuery = query_of(&uri)?;
    let bad = |error| Problem::new(StatusCode::BAD_REQUEST, error);
    let mut query = JobQuery::latest(page_size(asked.limit.unwrap_or(PAGE)));
    query.kind = match asked.backend.as_str() {
        "" | "http" => CallbackPayload::KIND.parse().ok(),
        "kafka" => KafkaPayload::KIND.parse().ok(),
        other => return Err(bad(format!("backend: {other:?} is neither http nor kafka"))),
    };
    query.states = states_of(&asked.state).map_err(bad)?;
    query.before = asked.cursor.map(Cursor);
    if let Some(job) = asked.job {
        query.text = format!(" for {}", id_of(&job)?);
    }
    let page = engine
        .store()
        .jobs(&query)
        .await
        .map_err(|error| problem(&error))?;
    let callbacks: Vec<_> = page.jobs.iter().map(CallbackView::of).collect();
    let next = page.next.map(|cursor| cursor.0.to_string());
    Ok(Json(serde_json::json!({ "callbacks": callbacks, "next": next })))
}

/// Delivers a callback that is dead or was cancelled, with all its attempts anew and the same `Idempotency-Key`.
async fn retry(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, Problem> {
    let key = id_of(&id)?;
    let found = engine.store().job(&key).await.map_err(|error| problem(&error))?;
    // What a job is never changes, so that nothing can come between this look and the action.
    if !found.is_some_and(|(job, _)| is_callback(&job)) {
        return Err(unknown(&id));
    }
    let job = act_on(&engine, &id, Action::Retry, "it is neither dead nor cancelled").await?;
    Ok(Json(serde_json::json!(CallbackView::of(&job))))
}
