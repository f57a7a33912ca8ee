//! What a server says to a hello.

use serde::{Deserialize, Serialize};

use crate::{
    InstanceId, Node, NodeId, SessionId,
    hello_message::HelloMessage,
    hex::Hex,
    mac::{MacKey, Message},
    signed::{Signed, VERSION},
};

/// What a server says to a hello.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HelloAnswer {
    version: u32,
    node: NodeId,
    instance: InstanceId,
    pub(crate) session: SessionId,
    nonce: Hex<32>,
}

impl HelloAnswer {
    /// A new answer of a node, which names a new session.
    pub(crate) fn new(me: &Node) -> Self {
        Self {
            version: VERSION,
            node: me.id.clone(),
            instance: me.instance,
            session: SessionId::random(),
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

    /// Adds all of the hello and of the answer to a message.
    fn cover(&self, hello: &HelloMessage, message: Message) -> Message {
        hello
            .cover(message)
            .number(self.version.into())
            .part(self.node.as_str().as_bytes())
            .part(self.instance.bytes())
            .part(self.session.bytes())
            .part(&self.nonce.0)
    }

    /// The key of the session that hello and answer make. Only who has the secret can have it: it is never sent.
    pub(crate) fn session_key(&self, hello: &HelloMessage, secret: &MacKey) -> MacKey {
        MacKey::new(
            self.cover(hello, secret.begin("stoa-peer session"))
                .code()
                .bytes(),
        )
    }

    /// It, signed. The code covers the hello too, so it answers no other one.
    pub(crate) fn sign(self, hello: &HelloMessage, secret: &MacKey) -> Signed<Self> {
        let mac = self
            .cover(hello, secret.begin("stoa-peer answer to hello"))
            .code();
        Signed { said: self, mac }
    }
}

impl Signed<HelloAnswer> {
    /// Whether it was signed with this key, as the answer to this hello.
    pub(crate) fn is_by(&self, hello: &HelloMessage, secret: &MacKey) -> bool {
        let code = self
            .said
            .cover(hello, secret.begin("stoa-peer answer to hello"))
            .code();
        code.is(&self.mac)
    }
}
