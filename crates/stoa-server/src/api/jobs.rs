//! `/api/v1/jobs` and `/api/v1/aggregations`: durable jobs.

mod accept;
mod aggregations;
mod answers;
mod bulk;
mod idempotency;
mod query;
mod submit;
mod view;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, Uri},
    routing::{get, post},
};
use serde::Deserialize;
use stoa_jobs::{Action, Engine, Failure, JobId, JobQuery, StateName, StoreError};

use self::{accept::submit, query::ListQuery, view::JobView};
use super::json::Json;
use crate::problem::Problem;

pub(super) use self::{
    aggregations::routes as aggregation_routes,
    answers::{act_on, id_of, problem, query_of, unknown},
    query::{PAGE, page_size, states_of},
    view::{AttemptView, failure_of, moment},
};

/// The longest body: a go.sum of ten thousand lines, in bytes.
pub(super) const MAX_BODY: usize = 8 << 20;
/// How long a request may wait for a job.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How many running children are shown with a job. Each costs a question to the store.
const MOST_RUNNING: usize = 32;

/// The routes, whole.
pub(super) fn routes(path: &str) -> Router<Arc<Engine>> {
    Router::new()
        .route(path, get(list).post(submit))
        .route(&format!("{path}/bulk"), post(bulk::bulk))
        .route(&format!("{path}/{{id}}"), get(show))
        .route(&format!("{path}/{{id}}/cancel"), post(cancel))
        .route(&format!("{path}/{{id}}/retry"), post(retry))
        .route(&format!("{path}/{{id}}/promote"), post(promote))
}

async fn list(State(engine): State<Arc<Engine>>, uri: Uri) -> Result<Json<serde_json::Value>, Problem> {
    let query = query_of::<ListQuery>(&uri)?
        .read()
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error))?;
    let page = engine
        .store()
        .jobs(&query)
        .await
        .map_err(|error| problem(&error))?;
    let counts = engine.store().counts().await.map_err(|error| problem(&error))?;
    let jobs: Vec<_> = page.jobs.iter().map(|job| JobView::of(job, None)).collect();
    let next = page.next.map(|cursor| cursor.0.to_string());
    Ok(Json(
        serde_json::json!({ "jobs": jobs, "next": next, "counts": counts }),
    ))
}

/// Whether to wait for the end of the job, and what to show of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShowQuery {
    /// For how long, such as `30s`.
    wait: Option<String>,
    /// How many children that run are shown with it.
    running: Option<usize>,
}

async fn show(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<JobView>, Problem> {
    let key = id_of(&id)?;
    let query: ShowQuery = query_of(&uri)?;
    let wait = query
        .wait
        .map(|text| humantime::parse_duration(&text))
        .transpose();
    let wait = wait.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("wait: {error}")))?;
    let found = match wait {
        Some(wait) => engine.wait(&key, wait.min(LONGEST_WAIT)).await,
        None => engine.store().job(&key).await,
    };
    let (job, progress) = found
        .map_err(|error| problem(&error))?
        .ok_or_else(|| unknown(&id))?;
    let mut view = JobView::of(&job, progress);
    let aggregation = engine
        .store()
        .aggregation(&job.aggregation)
        .await
        .map_err(|error| problem(&error))?;
    let closed = engine.closed(job.aggregation.kind());
    view.waits_for(&job, aggregation.as_ref(), closed.as_ref());
    if let Some(most) = query.running {
        let running = running(&engine, &key, most.min(MOST_RUNNING)).await;
        view.shows(running.map_err(|error| problem(&error))?);
    }
    Ok(Json(view))
}

/// Children of a job that run, the earliest first, each with how far it has come.
async fn running(engine: &Engine, parent: &JobId, most: usize) -> Result<Vec<JobView>, StoreError> {
    let query = JobQuery {
        states: [StateName::Running].into(),
        parent: Some(parent.clone()),
        ..JobQuery::latest(most)
    };
    let mut views = Vec::new();
    if most == 0 {
        return Ok(views);
    }
    for job in engine.store().jobs(&query).await?.jobs.iter().rev() {
        // It may have ended since, or been removed.
        let found = engine.store().job(&job.id).await?;
        let found = found.filter(|(job, _)| job.lease().is_some());
        views.extend(found.map(|(job, progress)| JobView::of(&job, progress)));
    }
    Ok(views)
}

async fn cancel(State(engine): State<Arc<Engine>>, Path(id): Path<String>) -> Result<Json<JobView>, Problem> {
    let failure = Failure::new("cancelled", "an operator has cancelled it");
    act(&engine, &id, Action::Cancel(failure), "it has ended").await
}

async fn retry(State(engine): State<Arc<Engine>>, Path(id): Path<String>) -> Result<Json<JobView>, Problem> {
    act(&engine, &id, Action::Retry, "it is neither dead nor cancelled").await
}

async fn promote(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
) -> Result<Json<JobView>, Problem> {
    act(&engine, &id, Action::Promote, "it does not wait").await
}

async fn act(engine: &Engine, id: &str, action: Action, not_now: &str) -> Result<Json<JobView>, Problem> {
    let job = act_on(engine, id, action, not_now).await?;
    Ok(Json(JobView::of(&job, None)))
}
