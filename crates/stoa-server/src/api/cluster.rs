//! `/api/v1/cluster`: the nodes, and who owns what.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use axum::{
    Router,
    extract::{Path, Query, State},
    http::StatusCode,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use stoa_module::{ModulePath, ModuleVersion, Query as VersionQuery};
use stoa_proxy::OwnerKey;

use super::json::Json;
use crate::problem::Problem;

/// Knows the cluster, for operators.
#[async_trait]
pub trait ClusterControl: fmt::Debug + Send + Sync + 'static {
    /// The nodes as this one sees them.
    fn status(&self) -> ClusterStatus;

    /// Who owns `key`, and who does it meanwhile if that node is not reached.
    fn ownership(&self, key: &OwnerKey) -> Ownership;

    /// Leaves a node out from now on, or no more. Whether the registry has it, so that all others hear of it.
    ///
    /// # Errors
    /// Why not.
    async fn drain(&self, node: &str, is_draining: bool) -> Result<bool, DrainError>;
}

/// Who owns something, as one node sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ownership {
    /// The node that owns it; `None` if no node wants to own anything, so that each does it by itself.
    pub owner: Option<String>,
    /// Whether the owner is reached: `self`, `yes`, `no`, `unknown` or `refused`, as in [`ClusterNode::reached`].
    pub reached: Option<&'static str>,
    /// Who does it as long as the owner is not reached.
    pub meanwhile: Option<String>,
    /// The nodes in the order in which they own it.
    pub order: Vec<String>,
}

/// Why a node is not left out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrainError {
    /// There is no such node.
    #[error("there is no node {0:?} in the cluster")]
    Unknown(String),
    /// Nodes do not announce themselves here.
    #[error(
        "the nodes of this cluster are given ({0}): write state = \"draining\" there, if it is a file, or take the node out of it"
    )]
    Given(String),
    /// It has not heard of it.
    #[error("{0}")]
    Failed(String),
}

/// The cluster as one node sees it.
#[derive(Clone, Debug, Serialize)]
pub struct ClusterStatus {
    /// The node that tells.
    pub node: String,
    /// What knows the nodes.
    pub registry: String,
    /// Whether others can see the node that tells: `alone`, `pending`, `announced`, `taken`, `failing`, `given`, `left`.
    pub standing: &'static str,
    /// How the nodes are known: `unread`, `disk`, `read`, `watched`, `stale`.
    pub source: &'static str,
    /// How old that is, in seconds.
    pub age_seconds: f64,
    /// The state of the registry that they were read at.
    pub revision: u64,
    /// Why nothing newer is known.
    pub error: Option<String>,
    /// The nodes, by id.
    pub nodes: Vec<ClusterNode>,
}

/// One node.
#[derive(Clone, Debug, Serialize)]
pub struct ClusterNode {
    /// Its id.
    pub id: String,
    /// Where others reach it.
    pub address: String,
    /// The version of stoa that it runs; empty where nobody says.
    pub version: String,
    /// `ready`, `draining`, `leaving`, `suspect` for one that vanished together with too many others, or `unseen` for this node
    /// while the others cannot see it.
    pub state: &'static str,
    /// Its share of keys, as against that of others.
    pub weight: f64,
    /// Whether it is the node that tells.
    pub is_self: bool,
    /// Whether it is reached: `self`, `yes` if it answered within the last ten seconds, `no`, `unknown` before it was asked, or
    /// `refused` if somebody answers who is not this node, or has another secret.
    pub reached: &'static str,
    /// Why it is not reached.
    pub trouble: Option<String>,
    /// Whether it is this node, or is reached.
    pub is_up: bool,
}

pub(super) fn routes(path: &str) -> Router<Arc<dyn ClusterControl>> {
    Router::new()
        .route(path, get(status))
        .route(&format!("{path}/owner"), get(owner))
        .route(&format!("{path}/nodes/{{id}}/drain"), post(drain).delete(undrain))
}

async fn status(State(control): State<Arc<dyn ClusterControl>>) -> Json<ClusterStatus> {
    Json(control.status())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `MODULE@VERSION`, or `MODULE` for what may change of it.
    key: String,
}

#[derive(Debug, Serialize)]
struct Owners {
    key: String,
    #[serde(flatten)]
    ownership: Ownership,
}

async fn owner(
    State(control): State<Arc<dyn ClusterControl>>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Owners>, Problem> {
    let key = key(&wanted.key).map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error))?;
    Ok(Json(Owners {
        ownership: control.ownership(&key),
        key: key.to_string(),
    }))
}

/// Reads `MODULE@VERSION` or `MODULE`.
fn key(text: &str) -> Result<OwnerKey, String> {
    let (path, version) = match text.split_once('@') {
        Some((path, version)) => (path, Some(version)),
        None => (text, None),
    };
    let path: ModulePath = path.parse().map_err(|error| format!("key: {error}"))?;
    let Some(version) = version else {
        return Ok(OwnerKey::of_module(&path));
    };
    match VersionQuery::parse(&path, version).map_err(|error| format!("key: {error}"))? {
        VersionQuery::Version(version) => {
            let target = ModuleVersion::new(path, version).map_err(|error| format!("key: {error}"))?;
            Ok(OwnerKey::of_version(&target))
        }
        // What a branch leads to is asked of who owns the module.
        VersionQuery::Revision(_) => Ok(OwnerKey::of_module(&path)),
    }
}

#[derive(Debug, Serialize)]
struct Drained {
    node: String,
    draining: bool,
    /// Whether the registry has it. Otherwise the others hear of it from the node itself, and from the registry later.
    others_told: bool,
}

async fn drain(
    State(control): State<Arc<dyn ClusterControl>>,
    Path(node): Path<String>,
) -> Result<Json<Drained>, Problem> {
    set(control.as_ref(), node, true).await
}

async fn undrain(
    State(control): State<Arc<dyn ClusterControl>>,
    Path(node): Path<String>,
) -> Result<Json<Drained>, Problem> {
    set(control.as_ref(), node, false).await
}

async fn set(control: &dyn ClusterControl, node: String, draining: bool) -> Result<Json<Drained>, Problem> {
    let set = control.drain(&node, draining).await;
    let others_told = set.map_err(|error| {
        let status = match error {
            DrainError::Unknown(_) => StatusCode::NOT_FOUND,
            DrainError::Given(_) => StatusCode::CONFLICT,
            DrainError::Failed(_) => StatusCode::BAD_GATEWAY,
        };
        Problem::new(status, error.to_string())
    })?;
    tracing::info!(%node, draining, others_told, "an operator drains a node, or does not any more");
    Ok(Json(Drained {
        node,
        draining,
        others_told,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_version_or_a_module() {
        for (text, want) in [
            ("example.com/A@v1.0.0", "example.com/A@v1.0.0"),
            ("example.com/a", "example.com/a"),
            ("example.com/a@latest", "example.com/a"),
            ("example.com/a@main", "example.com/a"),
        ] {
            assert_eq!(key(text).expect(text).to_string(), want);
        }
        for bad in ["", "a b", "example.com/a@", "../a@v1.0.0"] {
            assert!(key(bad).is_err(), "{bad}");
        }
    }
}
