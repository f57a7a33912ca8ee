//! What is stored, page by page.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};
use stoa_index::{EntryFilter, IndexEntry, MAX_PAGE};
use stoa_module::{ModulePath, ModuleVersion, Version};

use super::{
    super::json::Json,
    desk::{StorageDesk, problem},
};
use crate::problem::Problem;

/// What a page has, unless somebody says otherwise.
const PAGE: usize = 500;

/// Which page.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PageQuery {
    /// What module paths begin with.
    prefix: String,
    /// One module.
    module: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    limit: Option<usize>,
}

fn bad(name: &str, error: impl std::fmt::Display) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, format!("{name}: {error}"))
}

fn limit_of(query: &PageQuery) -> usize {
    query.limit.unwrap_or(PAGE).clamp(1, MAX_PAGE)
}

pub(super) async fn modules(
    State(desk): State<Arc<StorageDesk>>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Value>, Problem> {
    let index = &desk.index()?.index;
    let after = query.after.as_deref().map(ModulePath::parse).transpose();
    let after = after.map_err(|error| bad("after", error))?;
    let limit = limit_of(&query);
    let found = index.modules(&query.prefix, after.as_ref(), limit).await;
    let found = found.map_err(|error| problem(&error))?;
    let next = found.last().filter(|_| found.len() == limit);
    let next = next.map(|last| last.module.to_string());
    let row = |totals: &stoa_index::ModuleTotals| {
        json!({
            "module": totals.module.as_str(),
            "versions": totals.versions,
            "bytes": totals.bytes,
            "last_use": totals.last_use.map(|at| at.to_string()),
        })
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    Ok(Json(json!({ "modules": rows, "next": next })))
}

pub(super) async fn versions(
    State(desk): State<Arc<StorageDesk>>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Value>, Problem> {
    let index = &desk.index()?.index;
    let filter = match &query.module {
        Some(module) => EntryFilter::Module(ModulePath::parse(module).map_err(|error| bad("module", error))?),
        None => EntryFilter::Prefix(query.prefix.clone()),
    };
    let after = query.after.as_deref().map(module_version).transpose();
    let after = after.map_err(|error| bad("after", error))?;
    let limit = limit_of(&query);
    let found = index.entries(&filter, after.as_ref(), limit).await;
    let found = found.map_err(|error| problem(&error))?;
    let next = found.last().filter(|_| found.len() == limit);
    let next = next.map(|last| format!("{}@{}", last.target.path(), last.target.version()));
    let rows: Vec<_> = found.iter().map(row).collect();
    Ok(Json(json!({ "versions": rows, "next": next })))
}

fn row(entry: &IndexEntry) -> Value {
    json!({
        "module": entry.target.path().as_str(),
        "version": entry.target.version().as_str(),
        "info": entry.info,
        "mod": entry.go_mod,
        "zip": entry.zip,
        "bytes": entry.files().1,
        "h1": entry.zip_h1.map(|h1| h1.to_string()),
        "mod_h1": entry.go_mod_h1.map(|h1| h1.to_string()),
        "origin": entry.origin.as_ref().map(stoa_index::Note::as_str),
        "verified_by": entry.verified_by.as_ref().map(stoa_index::Note::as_str),
        "first_seen": entry.first_seen.to_string(),
        "last_use": entry.last_use.map(|at| at.to_string()),
    })
}

/// `MODULE@VERSION`.
pub(super) fn module_version(text: &str) -> Result<ModuleVersion, String> {
    let (module, version) = text
        .rsplit_once('@')
        .ok_or_else(|| format!("{text:?} is no MODULE@VERSION"))?;
    let module = ModulePath::parse(module).map_err(|error| error.to_string())?;
    let version = Version::parse(version).map_err(|error| error.to_string())?;
    ModuleVersion::new(module, version).map_err(|error| error.to_string())
}
