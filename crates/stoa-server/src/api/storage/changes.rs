//! Removing, making room, and making the index anew.

use std::sync::Arc;

use axum::{Extension, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use stoa_fetch::Context;
use stoa_index::Timestamp;
use stoa_module::{ModulePath, ModuleVersion};

use super::{
    super::json::Json,
    desk::{StorageDesk, index_view, problem},
    listing::module_version,
};
use crate::problem::Problem;

/// The most that one request names.
const MOST: usize = 1_000;
/// The longest reason, in bytes.
const LONGEST_REASON: usize = 1_000;

/// What is to be removed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// `MODULE@VERSION` for one version, `MODULE` for all that are stored.
    versions: Vec<String>,
    /// Why: for the log.
    reason: String,
}

pub(super) async fn remove(
    State(desk): State<Arc<StorageDesk>>,
    Extension(context): Extension<Context>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, Problem> {
    let bad = |detail: String| Problem::new(StatusCode::BAD_REQUEST, detail);
    let reason = wanted.reason.trim();
    if reason.is_empty() || reason.len() > LONGEST_REASON {
        return Err(bad(format!(
            "reason: say why, in at most {LONGEST_REASON} bytes: it is what others will find in the log"
        )));
    }
    if wanted.versions.is_empty() || wanted.versions.len() > MOST {
        return Err(bad(format!("versions: name 1 to {MOST}")));
    }
    let mut targets = Vec::new();
    for text in &wanted.versions {
        targets.extend(named(&desk, text).await?);
    }
    let request = context.trace.to_string();
    for text in &wanted.versions {
        // Before it is done: what cannot be undone must not go without a word.
        desk.log
            .write("storage rm", text, reason, &request)
            .await
            .map_err(|error| {
                let detail =
                    format!("nothing is removed: the log of administration cannot be written: {error}");
                Problem::new(StatusCode::INSUFFICIENT_STORAGE, detail)
            })?;
    }
    let removed = desk.remover.remove(&targets).await.map_err(|error| {
        let detail = format!("not everything is removed: {error}; ask again");
        tracing::error!(error = %error.report(), "versions cannot be removed");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    })?;
    let nodes = desk.others.remove(&targets, reason).await;
    let files: Vec<_> = removed.files.iter().map(ToString::to_string).collect();
    Ok(Json(json!({ "files": files, "nodes": nodes })))
}

/// The versions that a text names.
async fn named(desk: &StorageDesk, text: &str) -> Result<Vec<ModuleVersion>, Problem> {
    let bad = |error: String| Problem::new(StatusCode::BAD_REQUEST, format!("versions: {error}"));
    if text.contains('@') {
        return Ok(vec![module_version(text).map_err(bad)?]);
    }
    let module = ModulePath::parse(text).map_err(|error| bad(error.to_string()))?;
    let versions = desk
        .remover
        .versions(&module)
        .await
        .map_err(|error| Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    if versions.is_empty() {
        let detail = format!("nothing of {module} is stored here");
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    }
    Ok(versions)
}

/// How room is to be made.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct GcWanted {
    /// Only tell what would go.
    dry_run: bool,
}

pub(super) async fn gc(
    State(desk): State<Arc<StorageDesk>>,
    Extension(context): Extension<Context>,
    Json(wanted): Json<GcWanted>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let index = desk.index()?;
    if !index.gc.is_on() {
        let detail = "nothing says what is too much: set gc.quota or gc.max_age";
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    if !wanted.dry_run {
        let request = context.trace.to_string();
        let written = desk
            .log
            .write("storage gc", "by the rules of [gc]", "asked for", &request)
            .await;
        written.map_err(|error| Problem::new(StatusCode::INSUFFICIENT_STORAGE, error.to_string()))?;
    }
    let before = index.gc.state().runs;
    if !index.gc.ask(wanted.dry_run) {
        let detail = "room is being made, and another run waits already";
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    Ok((StatusCode::ACCEPTED, Json(json!({ "runs": before }))))
}

pub(super) async fn gc_state(State(desk): State<Arc<StorageDesk>>) -> Result<Json<Value>, Problem> {
    let state = desk.index()?.gc.state();
    Ok(Json(json!({
        "running": state.is_running,
        "runs": state.runs,
        "report": state.report.as_deref(),
        "error": state.error.as_deref(),
        "ended": state.ended.map(|time| Timestamp::from(time).to_string()),
    })))
}

pub(super) async fn reindex(
    State(desk): State<Arc<StorageDesk>>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let index = desk.index()?;
    let complete = index.index.is_complete().await.map_err(|error| problem(&error))?;
    let view = index_view(index, complete);
    index.rebuilds.ask();
    Ok((StatusCode::ACCEPTED, Json(view)))
}
