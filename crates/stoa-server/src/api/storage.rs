//! `/api/v1/storage`: what is stored, and what operators do about it.

mod changes;
mod desk;
mod listing;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use serde_json::{Value, json};

pub use self::desk::{StorageDesk, StorageIndex};
use self::desk::{index_view, problem};
use super::json::Json;
use crate::problem::Problem;

/// The routes, whole.
pub(super) fn routes(path: &str) -> Router<Arc<StorageDesk>> {
    Router::new()
        .route(path, get(overview))
        .route(&format!("{path}/modules"), get(listing::modules))
        .route(&format!("{path}/versions"), get(listing::versions))
        .route(&format!("{path}/rm"), post(changes::remove))
        .route(&format!("{path}/gc"), get(changes::gc_state).post(changes::gc))
        .route(&format!("{path}/reindex"), post(changes::reindex))
}

async fn overview(State(desk): State<Arc<StorageDesk>>) -> Result<Json<Value>, Problem> {
    let index = desk.index()?;
    let totals = index.index.totals().await.map_err(|error| problem(&error))?;
    let complete = index.index.is_complete().await.map_err(|error| problem(&error))?;
    Ok(Json(json!({
        "storage": desk.name,
        "modules": totals.modules,
        "versions": totals.versions,
        "files": totals.files,
        "bytes": totals.bytes,
        "index": index_view(index, complete),
    })))
}
