//! The endpoints of skroutz/downloader, so that what submits to it can submit here.

mod submission;

use std::{
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::{Path, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use serde_json::json;
use stoa_jobs::{
    Acted, Action, Engine, JobId, JobQuery, StateName, StoreError,
    callback::{CallbackPayload, KafkaPayload},
    download::DownloadSpec,
};

use self::submission::read;
use crate::{
    api::read_body,
    guard::{Guard, OpenGuard},
    job_metrics::JobMetrics,
    kafka::has_kafka,
    mount::Mount,
};

/// The longest body of a submission.
const MAX_BODY: usize = 1 << 20;
/// How many aggregations are shown, and how many callbacks of a job are looked at.
const MOST: usize = 10_000;
/// The kinds of jobs that tell of the ends of others.
const CALLBACKS: [&str; 2] = [CallbackPayload::KIND, KafkaPayload::KIND];

/// `/download`, `/retry`, `/stats` and `/dashboard` behind `guard`, and `/hb` for everybody. `metrics` observes the engine. While
/// there is a `heartbeat_file`, `/hb` says that nothing more is to be sent here.
pub fn downloader_mounts(
    engine: &Arc<Engine>,
    metrics: &Arc<JobMetrics>,
    guard: &Arc<dyn Guard>,
    heartbeat_file: Option<PathBuf>,
) -> Vec<Mount> {
    let mount = |prefix: &str, routes: Router<Arc<Engine>>| {
        Mount::new(prefix, Arc::clone(guard), routes.with_state(Arc::clone(engine)))
    };
    let beat = Router::new()
        .route("/hb", any(heartbeat))
        .with_state((Arc::clone(engine), heartbeat_file.map(Arc::<FilePath>::from)));
    let stats = Router::new()
        .route("/stats/{id}", get(stats))
        .with_state(Arc::clone(metrics));
    vec![
        mount("/download", Router::new().route("/download", any(download))).with_max_body(MAX_BODY),
        mount("/retry", Router::new().route("/retry/{id}", any(retry))),
        Mount::new("/stats", Arc::clone(guard), stats),
        mount(
            "/dashboard",
            Router::new().route("/dashboard/aggregations", get(aggregations)),
        ),
        Mount::new("/hb", Arc::new(OpenGuard), beat),
    ]
}

fn text(status: StatusCode, text: impl Into<String>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (status, kind, text.into() + "\n").into_response()
}

fn failed(error: &StoreError) -> Response {
    tracing::warn!(%error, "the job store failed");
    text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

/// JSON that a page of another origin may read, as the dashboard of the origin does.
fn shared(body: &serde_json::Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    (headers, body.to_string()).into_response()
}

async fn download(State(engine): State<Arc<Engine>>, method: Method, request: Request) -> Response {
    if method != Method::POST {
        return text(StatusCode::METHOD_NOT_ALLOWED, "send a job as POST");
    }
    if engine.is_draining() {
        return text(StatusCode::SERVICE_UNAVAILABLE, "this server is shutting down");
    }
    let body = match read_body(request).await {
        Ok(body) => body,
        Err(problem) => return text(problem.status, problem.detail),
    };
    let job = match read(&body, has_kafka(&engine)) {
        Ok(job) => job,
        Err(error) => return text(StatusCode::BAD_REQUEST, error),
    };
    match engine.store().submit(vec![job]).await {
        Ok(submitted) => {
            let id = submitted.first().map(|submitted| submitted.id().to_string());
            let body = json!({ "id": id }).to_string();
            (
                StatusCode::CREATED,
                [(header::CONTENT_TYPE, "application/json")],
                body,
            )
                .into_response()
        }
        Err(error) => failed(&error),
    }
}

/// Sends callbacks of a job once more that could not be delivered.
async fn retry(State(engine): State<Arc<Engine>>, method: Method, Path(id): Path<String>) -> Response {
    if method != Method::POST {
        return text(StatusCode::METHOD_NOT_ALLOWED, "send it as POST");
    }
    match retried(&engine, &id).await {
        Ok(0) => text(
            StatusCode::BAD_REQUEST,
            format!("job {id:?} has no callback that failed"),
        ),
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => failed(&error),
    }
}

async fn retried(engine: &Engine, id: &str) -> Result<usize, StoreError> {
    let Ok(id) = id.parse::<JobId>() else {
        return Ok(0);
    };
    // The title of a callback ends with its job.
    let of_job = format!(" for {id}");
    let mut query = JobQuery::latest(MOST);
    query.states.insert(StateName::Dead);
    query.text.clone_from(&of_job);
    let mut retried = 0;
    for kind in CALLBACKS {
        query.kind = kind.parse().ok();
        let found = engine.store().jobs(&query).await?.jobs;
        for job in found.iter().filter(|job| job.title.ends_with(&of_job)) {
            if matches!(engine.store().act(&job.id, Action::Retry).await?, Acted::Done(_)) {
                retried += 1;
            }
        }
    }
    Ok(retried)
}

async fn heartbeat(State((engine, file)): State<(Arc<Engine>, Option<Arc<FilePath>>)>) -> Response {
    if engine.is_draining() {
        return text(
            StatusCode::SERVICE_UNAVAILABLE,
            "Service disabled, it is shutting down!",
        );
    }
    if let Some(file) = file {
        // What cannot be looked at may be there, so it counts as if it were, as by the origin.
        let is_there = tokio::fs::try_exists(&file).await.unwrap_or(true);
        if is_there {
            let why = format!("Service disabled, '{}' exists!", file.display());
            return text(StatusCode::SERVICE_UNAVAILABLE, why);
        }
    }
    text(StatusCode::OK, "OK")
}

/// The counts of this node since its start, under the names of the origin.
async fn stats(State(metrics): State<Arc<JobMetrics>>, Path(id): Path<String>) -> Response {
    match id.as_str() {
        "processor" => shared(&metrics.processor()),
        "notifier" => shared(&metrics.notifier()),
        _ => text(StatusCode::NOT_FOUND, format!("there are no stats of {id:?}")),
    }
}

async fn aggregations(State(engine): State<Arc<Engine>>) -> Response {
    match engine.store().aggregations(None, MOST).await {
        Ok(all) => {
            let of_urls = all
                .iter()
                .filter(|one| one.key.kind().as_str() == DownloadSpec::KIND);
            let shown: Vec<_> = of_urls
                .map(|one| json!({ "name": format!("jobs:{}", one.key.name()), "size": one.ready + one.scheduled }))
                .collect();
            shared(&shown.into())
        }
        Err(error) => failed(&error),
    }
}
