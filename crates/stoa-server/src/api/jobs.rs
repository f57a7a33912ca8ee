//! `/api/v1/jobs` and `/api/v1/aggregations`: durable jobs.

mod aggregations;
mod query;
mod submit;
mod view;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, de::DeserializeOwned};
use stoa_jobs::{Acted, Action, Engine, Failure, JobId, StoreError, Submitted};

use self::{query::ListQuery, submit::Submission, view::JobView};
use super::json::Json;
use crate::problem::Problem;

pub(super) use self::aggregations::routes as aggregation_routes;

/// The longest body: a go.sum of ten thousand lines, in bytes.
pub(super) const MAX_BODY: usize = 8 << 20;
/// How long a request may wait for a job.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The routes, whole.
pub(super) fn routes(path: &str) -> Router<Arc<Engine>> {
    Router::new()
        .route(path, get(list).post(submit))
        .route(&format!("{path}/{{id}}"), get(show))
        .route(&format!("{path}/{{id}}/cancel"), post(cancel))
        .route(&format!("{path}/{{id}}/retry"), post(retry))
        .route(&format!("{path}/{{id}}/promote"), post(promote))
}

/// What a failure of the store is to a client of the API.
fn problem(error: &StoreError) -> Problem {
    let status = match error {
        StoreError::Away(_) | StoreError::Closed => StatusCode::SERVICE_UNAVAILABLE,
        StoreError::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
        StoreError::Unusable(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    tracing::warn!(%error, "the job store failed");
    Problem::new(status, error.to_string())
}

fn unknown(id: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        format!("there is no job {id:?}; it may have been removed since it ended"),
    )
}

fn id_of(text: &str) -> Result<JobId, Problem> {
    text.parse().map_err(|_no_id| unknown(text))
}

async fn submit(
    State(engine): State<Arc<Engine>>,
    Json(submission): Json<Submission>,
) -> Result<Response, Problem> {
    if engine.is_draining() {
        let detail = "this server is shutting down; submit the job to another one, or later";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    }
    let job = submission
        .job()
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error))?;
    if !engine.runs(job.aggregation.kind()) {
        let detail = "this server downloads no URLs: name a directory for them in jobs.downloads";
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    let submitted = engine
        .store()
        .submit(vec![job])
        .await
        .map_err(|error| problem(&error))?;
    let Some(submitted) = submitted.into_iter().next() else {
        return Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the job store gave no id",
        ));
    };
    let status = if matches!(submitted, Submitted::New(_)) {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let found = engine
        .store()
        .job(submitted.id())
        .await
        .map_err(|error| problem(&error))?;
    let (job, progress) = found.ok_or_else(|| unknown(submitted.id().as_str()))?;
    Ok((status, Json(JobView::of(&job, progress))).into_response())
}

/// The query string of a request.
fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let bad = |error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            format!("the query string makes no sense: {error}"),
        )
    };
    Query::try_from_uri(uri).map(|Query(query)| query).map_err(bad)
}

async fn list(State(engine): State<Arc<Engine>>, uri: Uri) -> Result<Json<serde_json::Value>, Problem> {
    let query = query::<ListQuery>(&uri)?
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

/// Whether to wait for the end of the job.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShowQuery {
    /// For how long, such as `30s`.
    wait: Option<String>,
}

async fn show(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<JobView>, Problem> {
    let key = id_of(&id)?;
    let query: ShowQuery = query(&uri)?;
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
    view.waits_for(&job, aggregation.as_ref());
    Ok(Json(view))
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
    let key = id_of(id)?;
    match engine
        .store()
        .act(&key, action)
        .await
        .map_err(|error| problem(&error))?
    {
        Acted::Done(job) => Ok(Json(JobView::of(&job, None))),
        Acted::NotNow(job) => {
            let detail = format!("job {id} is {}: {not_now}", job.state.name());
            Err(Problem::new(StatusCode::CONFLICT, detail))
        }
        Acted::Twin(other) => {
            let detail = format!("job {other}, which does the same, has not ended");
            Err(Problem::new(StatusCode::CONFLICT, detail))
        }
        Acted::Unknown => Err(unknown(id)),
    }
}
