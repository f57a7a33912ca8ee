//! What nodes ask one another about.

use serde::{Deserialize, Serialize};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A path of the GOPROXY protocol, which is brought in if it is not there.
    Module(String),
    /// The same, if it is stored.
    Stored(String),
    /// A path of a checksum database.
    Database {
        /// Its name.
        name: String,
        /// The path.
        path: String,
    },
    /// These modules have something new: patterns as in `GOPRIVATE`.
    Refresh(String),
    /// Remove these versions, `MODULE@VERSION` each, which an operator has removed elsewhere.
    Remove {
        /// Which.
        versions: Vec<String>,
        /// Why.
        reason: String,
    },
    /// Leave this node out from now on, or no more.
    Drain(bool),
    /// Nothing: say that you are there, and in which state.
    Knock,
}
