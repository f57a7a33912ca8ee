//! How jobs are taken: one, or a batch of them.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use stoa_jobs::{Engine, NewJob, Submitted};

use super::{
    super::json::{Json, media_type, read_body},
    answers::{problem, unknown},
    idempotency::IdempotencyKey,
    submit::Submission,
    view::JobView,
};
use crate::{kafka::has_kafka, problem::Problem};

/// The most jobs of one batch: they are stored in one transaction.
const MAX_BATCH: usize = 1_000;
const NDJSON: &str = "application/x-ndjson";

pub(super) async fn submit(State(engine): State<Arc<Engine>>, request: Request) -> Result<Response, Problem> {
    let is_batch = media_type(request.headers()).is_some_and(|kind| kind.eq_ignore_ascii_case(NDJSON));
    let is_one =
        media_type(request.headers()).is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    if !is_batch && !is_one {
        let detail = format!(
            "send a job as JSON, with \"Content-Type: application/json\", or one a line, with \"Content-Type: {NDJSON}\""
        );
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    if engine.is_draining() {
        let detail = "this server is shutting down; submit the job to another one, or later";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    }
    let key = key_of(request.headers())?;
    let body = read_body(request).await?;
    if is_one {
        return one(&engine, key, &body).await;
    }
    if key.is_some() {
        let detail = "a batch has no Idempotency-Key: send the jobs one by one, each with a key of its own";
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    batch(&engine, &body).await
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

fn key_of(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let key = headers.get(IdempotencyKey::HEADER);
    key.map(IdempotencyKey::of)
        .transpose()
        .map_err(|error| bad(error.to_string()))
}

/// The job that is asked for, if this server can do it.
fn read(engine: &Engine, body: &[u8]) -> Result<NewJob, String> {
    let submission: Submission =
        serde_json::from_slice(body).map_err(|error| format!("the body makes no sense: {error}"))?;
    let job = submission.job(has_kafka(engine))?;
    if !engine.runs(job.aggregation.kind()) {
        return Err("this server downloads no URLs: name a directory for them in jobs.downloads".to_owned());
    }
    Ok(job)
}

async fn store(engine: &Engine, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, Problem> {
    let submitted = engine.store().submit(jobs).await;
    submitted.map_err(|error| problem(&error))
}

const fn status_of(submitted: &Submitted) -> StatusCode {
    match submitted {
        Submitted::New(_) => StatusCode::CREATED,
        Submitted::Joined(_) => StatusCode::OK,
    }
}

async fn one(engine: &Engine, key: Option<IdempotencyKey>, body: &[u8]) -> Result<Response, Problem> {
    let mut job = read(engine, body).map_err(bad)?;
    if let Some(key) = &key {
        key.mark(&mut job, body);
    }
    let submitted = store(engine, vec![job]).await?;
    let Some(submitted) = submitted.into_iter().next() else {
        return Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the job store gave no id",
        ));
    };
    let found = engine
        .store()
        .job(submitted.id())
        .await
        .map_err(|error| problem(&error))?;
    let (job, progress) = found.ok_or_else(|| unknown(submitted.id().as_str()))?;
    if key.is_some() && !IdempotencyKey::has_asked(&job, body) {
        let detail = format!(
            "the Idempotency-Key was sent with another body, which made job {}; send another key",
            job.id
        );
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    Ok((status_of(&submitted), Json(JobView::of(&job, progress))).into_response())
}

/// Takes all jobs of a batch or none.
async fn batch(engine: &Engine, body: &[u8]) -> Result<Response, Problem> {
    let mut jobs = Vec::new();
    for (number, line) in (1..).zip(body.split(|byte| *byte == b'\n')) {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        if jobs.len() >= MAX_BATCH {
            return Err(bad(format!(
                "line {number}: a batch has at most {MAX_BATCH} jobs"
            )));
        }
        let job =
            read(engine, line).map_err(|error| bad(format!("line {number}: {error}; no job was taken")))?;
        jobs.push(job);
    }
    if jobs.is_empty() {
        return Err(bad("the batch has no job: write one a line"));
    }
    let submitted = store(engine, jobs).await?;
    let mut status = StatusCode::OK;
    let mut answers = String::new();
    for one in &submitted {
        if matches!(one, Submitted::New(_)) {
            status = StatusCode::CREATED;
        }
        let answer = json!({ "status": status_of(one).as_u16(), "id": one.id() });
        answers += &answer.to_string();
        answers.push('\n');
    }
    Ok((status, [(header::CONTENT_TYPE, NDJSON)], answers).into_response())
}
