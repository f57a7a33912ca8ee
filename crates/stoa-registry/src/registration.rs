//! What a node says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{InstanceId, NodeId, RegistryError, ServiceName};

/// Labels: what a registry keeps and does not understand.
pub type Metadata = BTreeMap<String, String>;

/// What one node announces: the service it belongs to, and itself.
///
/// A registry keeps it as JSON, in at most [`Registration::MAX_BYTES`]. A field that this version does not know is
/// passed over, so that nodes of different versions see one another.
///
/// ```
/// let registration: stoa_registry::Registration = serde_json::from_str(
///     r#"{"service": "proxy", "version": "1.2", "node": {"id": "a", "address": "http://10.0.0.5:3000"},
///         "instance": "000000000000000000000000000000fe", "of": "a later version"}"#,
/// )?;
/// assert_eq!(registration.node.id.as_str(), "a");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The service.
    pub service: ServiceName,
    /// The version of the service that this node runs. Nodes of several versions may stand beside one another.
    #[serde(default)]
    pub version: String,
    /// Labels of this version of the service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: Metadata,
    /// What this version of the service can be asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// The node.
    pub node: Node,
    /// Which life of the node it is. Two processes that announce one node are found out by it.
    pub instance: InstanceId,
    /// Whether the node wants to be asked.
    #[serde(default)]
    pub state: NodeState,
}

/// One process of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub id: NodeId,
    /// Where it is asked, in the words of the service: a URL, or a host and a port.
    pub address: String,
    /// Its labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: Metadata,
}

/// Whether a node wants to be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// It does.
    #[default]
    Ready,
    /// It answers, and asks to be left out: it is about to go, or an operator wants it idle.
    Draining,
    /// It goes now. Its end is no failure, and is believed at once.
    Leaving,
    /// A state that a later version knows; it is left out like one that drains.
    #[serde(other)]
    Unknown,
}

/// What a service can be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// What is sent to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Value>,
    /// What it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
    /// Its labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: Metadata,
}

/// The shape of a request or an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// The name of the field.
    pub name: String,
    /// The name of its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its own fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
}

impl Registration {
    /// The most bytes of a registration as JSON.
    pub const MAX_BYTES: usize = 64 << 10;

    /// A node of a service that is ready, in this life of the process.
    pub fn new(service: ServiceName, id: NodeId, address: impl Into<String>, instance: InstanceId) -> Self {
        Self {
            service,
            version: String::new(),
            metadata: Metadata::new(),
            endpoints: Vec::new(),
            node: Node {
                id,
                address: address.into(),
                metadata: Metadata::new(),
            },
            instance,
            state: NodeState::default(),
        }
    }

    /// As a registry keeps it.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Invalid`] if it has more than [`Registration::MAX_BYTES`].
    pub fn to_json(&self) -> Result<String, RegistryError> {
        let json = serde_json::to_string(self).map_err(|error| RegistryError::invalid(error.to_string()))?;
        if json.len() > Self::MAX_BYTES {
            let reason = format!(
                "the registration of {} has {} bytes, and {} is the most",
                self.node.id,
                json.len(),
                Self::MAX_BYTES
            );
            return Err(RegistryError::invalid(reason));
        }
        Ok(json)
    }

    /// What a registry keeps, read.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Invalid`] if it is too large, or is no registration.
    pub fn from_json(json: &[u8]) -> Result<Self, RegistryError> {
        if json.len() > Self::MAX_BYTES {
            return Err(RegistryError::invalid(format!(
                "a registration has {} bytes, and {} is the most",
                json.len(),
                Self::MAX_BYTES
            )));
        }
        serde_json::from_slice(json)
            .map_err(|error| RegistryError::invalid(format!("a registration cannot be read: {error}")))
    }

    /// Whether a registry that holds `self`, unexpired, lets `other` take its place: it is the same process, or another
    /// one at the same address, which the first one must have left.
    pub fn yields_to(&self, other: &Self) -> bool {
        self.instance == other.instance
            || self.node.address == other.node.address
            || self.state == NodeState::Leaving
    }

    /// Why `ours` does not get the place of `self`, which is alive.
    pub fn is_in_the_way_of(&self, ours: &Self) -> RegistryError {
        RegistryError::Taken {
            service: ours.service.clone(),
            node: ours.node.id.clone(),
            theirs: self.node.address.as_str().into(),
            ours: ours.node.address.as_str().into(),
        }
    }
}
