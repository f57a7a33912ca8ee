//! What a node says when somebody knocks.

use serde::{Deserialize, Serialize};

/// What a node says when another one knocks: which process it is, and whether it wants to own anything. A node that does not
/// know a field passes it over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnockAnswer {
    /// Which life of the node answers, as it is announced.
    #[serde(default)]
    pub instance: String,
    /// Whether it wants to own nothing.
    #[serde(default)]
    pub draining: bool,
    /// Whether the registry has what it says of itself, so that all others hear of it.
    #[serde(default)]
    pub announced: bool,
}
