//! Nodes as a file writes them.

use serde::Deserialize;
use toml::Spanned;

use crate::{InstanceId, Metadata, Node, NodeId, NodeState, Registration, ServiceName, Validate};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    #[serde(default)]
    node: Vec<Spanned<Written>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    service: ServiceName,
    id: NodeId,
    address: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    state: WrittenState,
}

/// The states that somebody may write. A node says by itself that it leaves, and a state of a later version is none here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenState {
    #[default]
    Ready,
    Draining,
}

/// Reads all nodes, sorted by service and id; or the line in which something is wrong, and what.
pub(super) fn parse(text: &str, judge: &Validate) -> Result<Vec<Registration>, (usize, String)> {
    let line = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    let content: Content = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        (line(at), error.message().replace('\n', ", "))
    })?;
    let mut nodes: Vec<(usize, Registration)> = Vec::with_capacity(content.node.len());
    for written in content.node {
        let at = written.span().start;
        let node = written.into_inner().into_node();
        judge.check(&node).map_err(|fault| {
            let fault = format!("the node {} of {}: {fault}", node.node.id, node.service);
            (line(at), fault)
        })?;
        nodes.push((at, node));
    }
    nodes.sort_by(|(at, one), (other_at, other)| {
        let key = |node: &Registration| (node.service.clone(), node.node.id.clone());
        key(one).cmp(&key(other)).then(at.cmp(other_at))
    });
    let is_same = |one: &Registration, other: &Registration| {
        one.service == other.service && one.node.id == other.node.id
    };
    let mut pairs = nodes.iter().zip(nodes.iter().skip(1));
    if let Some((_, (at, node))) = pairs.find(|((_, one), (_, other))| is_same(one, other)) {
        let fault = format!("the node {} of {} is there twice", node.node.id, node.service);
        return Err((line(*at), fault));
    }
    Ok(nodes.into_iter().map(|(_, node)| node).collect())
}

impl Written {
    fn into_node(self) -> Registration {
        Registration {
            service: self.service,
            version: self.version,
            metadata: Metadata::new(),
            endpoints: Vec::new(),
            node: Node {
                id: self.id,
                address: self.address,
                metadata: self.metadata,
            },
            // Nobody says which life of the node it is.
            instance: InstanceId::from_number(0),
            state: match self.state {
                WrittenState::Ready => NodeState::Ready,
                WrittenState::Draining => NodeState::Draining,
            },
        }
    }
}
