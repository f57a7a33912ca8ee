//! What the routes of a storage work on.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};
use stoa_index::{Index, IndexError, Timestamp};
use stoa_proxy::{GcRounds, OtherNodesSlot, Rebuilds, Remover};

use crate::{AdminLog, problem::Problem};

/// What is done with a storage.
#[derive(Clone, Debug)]
pub struct StorageDesk {
    /// What the storage is, for people.
    pub name: String,
    /// What is known of what is stored, if anything is.
    pub index: Option<StorageIndex>,
    /// Removes versions.
    pub remover: Remover,
    /// Who else removes them.
    pub others: OtherNodesSlot,
    /// Where it is written down.
    pub log: Arc<AdminLog>,
}

/// What needs an index.
#[derive(Clone, Debug)]
pub struct StorageIndex {
    /// The index.
    pub index: Arc<dyn Index>,
    /// Makes it anew.
    pub rebuilds: Arc<Rebuilds>,
    /// Makes room.
    pub gc: Arc<GcRounds>,
}

impl StorageDesk {
    pub(super) fn index(&self) -> Result<&StorageIndex, Problem> {
        self.index.as_ref().ok_or_else(|| {
            Problem::new(
                StatusCode::CONFLICT,
                "this server keeps no index (index.store = \"none\"), which this needs",
            )
        })
    }
}

/// How the index stands.
pub(super) fn index_view(index: &StorageIndex, complete: bool) -> Value {
    let state = index.rebuilds.state();
    let moment = |time: Option<std::time::SystemTime>| time.map(|time| Timestamp::from(time).to_string());
    json!({
        "store": index.index.to_string(),
        "complete": complete && !state.is_due && state.running_since.is_none(),
        "rebuilding_since": moment(state.running_since),
        "rebuilt": moment(state.finished),
        "runs": state.runs,
        "files": state.files,
        "error": state.error.as_deref(),
    })
}

/// What an error of the index means to who asks.
pub(super) fn problem(error: &IndexError) -> Problem {
    let status = match error {
        IndexError::Unreachable(_) | IndexError::Closed => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Problem::new(status, error.to_string())
}
