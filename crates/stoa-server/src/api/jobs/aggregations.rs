//! `/api/v1/aggregations`: limits that jobs share.

use std::{num::NonZeroU32, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use serde::{Deserialize, Serialize};
use stoa_jobs::{Aggregation, AggregationKey, AggregationSettings, Engine, Rate};

use super::{super::json::Json, answers::problem};
use crate::problem::Problem;

/// How many aggregations are shown.
const MOST: usize = 1_000;

/// The routes, whole.
pub(in super::super) fn routes(path: &str) -> Router<Arc<Engine>> {
    // The name of an aggregation may have slashes.
    let one = format!("{path}/{{*key}}");
    Router::new()
        .route(path, get(list))
        .route(&one, get(show).put(set).delete(reset))
}

/// An aggregation as the API shows it. Its proxy and its headers may hold secrets, and are not shown.
#[derive(Debug, Serialize)]
struct AggregationView {
    aggregation: String,
    concurrency: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<Rate>,
    weight: u32,
    paused: bool,
    pinned: bool,
    ready: u64,
    running: u64,
    scheduled: u64,
}

impl AggregationView {
    fn of(aggregation: &Aggregation) -> Self {
        let settings = &aggregation.settings;
        Self {
            aggregation: aggregation.key.to_string(),
            concurrency: settings.concurrency.get(),
            rate: settings.rate,
            weight: settings.weight.get(),
            paused: settings.paused,
            pinned: aggregation.pinned,
            ready: aggregation.ready,
            running: aggregation.running,
            scheduled: aggregation.scheduled,
        }
    }
}

/// What is to change. What is not named stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    concurrency: Option<NonZeroU32>,
    /// `20/s`, or nothing for no rate.
    rate: Option<String>,
    weight: Option<NonZeroU32>,
    paused: Option<bool>,
}

impl Update {
    fn apply(self, settings: &mut AggregationSettings) -> Result<(), String> {
        settings.concurrency = self.concurrency.unwrap_or(settings.concurrency);
        settings.weight = self.weight.unwrap_or(settings.weight);
        settings.paused = self.paused.unwrap_or(settings.paused);
        match self.rate.as_deref() {
            None => {}
            Some("") => settings.rate = None,
            Some(text) => settings.rate = Some(text.parse().map_err(|error| format!("rate: {error}"))?),
        }
        Ok(())
    }
}

async fn list(State(engine): State<Arc<Engine>>) -> Result<Json<serde_json::Value>, Problem> {
    let all = engine
        .store()
        .aggregations(None, MOST)
        .await
        .map_err(|error| problem(&error))?;
    let all: Vec<_> = all.iter().map(AggregationView::of).collect();
    Ok(Json(serde_json::json!({ "aggregations": all })))
}

fn key_of(text: &str) -> Result<AggregationKey, Problem> {
    text.parse()
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("{text}: {error}")))
}

async fn found(engine: &Engine, key: &AggregationKey) -> Result<Option<Aggregation>, Problem> {
    engine
        .store()
        .aggregation(key)
        .await
        .map_err(|error| problem(&error))
}

fn unknown(key: &AggregationKey) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        format!("the aggregation {key} has no jobs, and nobody has set its limits"),
    )
}

async fn show(
    State(engine): State<Arc<Engine>>,
    Path(key): Path<String>,
) -> Result<Json<AggregationView>, Problem> {
    let key = key_of(&key)?;
    let aggregation = found(&engine, &key).await?.ok_or_else(|| unknown(&key))?;
    Ok(Json(AggregationView::of(&aggregation)))
}

async fn set(
    State(engine): State<Arc<Engine>>,
    Path(key): Path<String>,
    Json(update): Json<Update>,
) -> Result<Json<AggregationView>, Problem> {
    let key = key_of(&key)?;
    let mut settings = found(&engine, &key)
        .await?
        .map(|aggregation| aggregation.settings)
        .unwrap_or_default();
    update
        .apply(&mut settings)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error))?;
    engine
        .store()
        .set_aggregation(&key, Some(settings))
        .await
        .map_err(|error| problem(&error))?;
    let aggregation = found(&engine, &key).await?.ok_or_else(|| unknown(&key))?;
    Ok(Json(AggregationView::of(&aggregation)))
}

async fn reset(State(engine): State<Arc<Engine>>, Path(key): Path<String>) -> Result<StatusCode, Problem> {
    let key = key_of(&key)?;
    engine
        .store()
        .set_aggregation(&key, None)
        .await
        .map_err(|error| problem(&error))?;
    Ok(StatusCode::NO_CONTENT)
}
