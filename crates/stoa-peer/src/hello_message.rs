//! What a client says first.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, Node, NodeId,
    hex::Hex,
    mac::{MacKey, Message},
    signed::{Signed, VERSION},
};

/// What a client says first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HelloMessage {
    version: u32,
    node: NodeId,
    instance: InstanceId,
    /// The node that the client believes to talk to, if it believes anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expects: Option<NodeId>,
    nonce: Hex<32>,
}

impl HelloMessage {
    /// A new hello of a node.
    pub(crate) fn new(me: &Node, expects: Option<NodeId>) -> Self {
        Self {
            version: VERSION,
            node: me.id.clone(),
            instance: me.instance,
            expects,
            nonce: Hex::random(),
        }
    }

    /// Who says it.
    pub(crate) fn speaker(&self) -> Node {
        Node {
            id: self.node.clone(),
            instance: self.instance,
        }
    }

    /// Adds all of it to a message.
    pub(crate) fn cover(&self, message: Message) -> Message {
        let expects = self.expects.as_ref().map_or("", NodeId::as_str);
        message
            .number(self.version.into())
            .part(self.node.as_str().as_bytes())
            .part(self.instance.bytes())
            .part(expects.as_bytes())
            .part(&self.nonce.0)
    }

    /// It, signed.
    pub(crate) fn sign(self, key: &MacKey) -> Signed<Self> {
        let mac = self.cover(key.begin("stoa-peer hello")).code();
        Signed { said: self, mac }
    }
}

impl Signed<HelloMessage> {
    /// Whether it was signed with this key.
    pub(crate) fn is_by(&self, key: &MacKey) -> bool {
        self.said.cover(key.begin("stoa-peer hello")).code().is(&self.mac)
    }
}
