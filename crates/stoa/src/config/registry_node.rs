//! Nodes as a configuration writes them.

use stoa_registry::NodeId;
use url::Url;

/// One node of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FixedNode {
    pub(crate) id: NodeId,
    pub(crate) address: String,
}

impl FixedNode {
    /// Reads `ID=http://HOST:PORT,...`.
    pub(super) fn list(text: &str) -> Result<Vec<Self>, String> {
        let all = text.split(',').map(str::trim).filter(|one| !one.is_empty());
        let nodes: Vec<Self> = all.map(Self::parse).collect::<Result<_, _>>()?;
        for (at, node) in nodes.iter().enumerate() {
            if nodes[..at].iter().any(|other| other.id == node.id) {
                return Err(format!("the node {} is there twice", node.id));
            }
        }
        Ok(nodes)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (id, address) = text
            .split_once('=')
            .ok_or_else(|| format!("{text:?} is no node: write ID=http://HOST:PORT"))?;
        Ok(Self {
            id: id
                .trim()
                .parse()
                .map_err(|error: stoa_registry::NameError| error.to_string())?,
            address: address_of(&http_url(address.trim())?),
        })
    }
}

/// A URL of a node, without a slash at its end.
pub(super) fn address_of(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// A URL of a server, without a path.
pub(super) fn http_url(text: &str) -> Result<Url, String> {
    let bad = || format!("{text:?} is no URL of a server: write http://HOST:PORT");
    let url: Url = text.parse().map_err(|_no_url| bad())?;
    let is_good = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if is_good { Ok(url) } else { Err(bad()) }
}
