//! Who takes part in an exchange.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::hex::Hex;

/// The most bytes of the name of a node.
const LONGEST: usize = 128;

/// The name of a node in its cluster: 1 to 128 visible ASCII characters, so that it fits into headers and logs as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeId(Arc<str>);

/// Why a text names no node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the name of a node is 1 to {LONGEST} visible ASCII characters without spaces")]
pub struct NodeIdError;

impl NodeId {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeId {
    type Err = NodeIdError;

    fn from_str(text: &str) -> Result<Self, NodeIdError> {
        let right = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        right.then(|| Self(text.into())).ok_or(NodeIdError)
    }
}

impl TryFrom<String> for NodeId {
    type Error = NodeIdError;

    fn try_from(text: String) -> Result<Self, NodeIdError> {
        text.parse()
    }
}

impl From<NodeId> for String {
    fn from(node: NodeId) -> Self {
        node.as_str().to_owned()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One life of a node: 16 random bytes of its process. A node that starts anew has another one, and so have two processes that
/// were given one name by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(Hex<16>);

impl InstanceId {
    /// A new one. A process makes one, at its start.
    pub fn random() -> Self {
        Self(Hex::random())
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A node as one process of it. A client whose peer is equal to itself talks to itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Its name.
    pub id: NodeId,
    /// Its process.
    pub instance: InstanceId,
}

impl Node {
    /// This process as the node of that name.
    pub fn new(id: NodeId) -> Self {
        let instance = InstanceId::random();
        Self { id, instance }
    }
}
