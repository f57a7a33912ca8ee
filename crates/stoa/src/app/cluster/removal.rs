//! Other nodes, when an operator removes versions.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use stoa_module::{ModulePath, ModuleVersion, Version};
use stoa_proxy::{About, ClusterPeers, NodeTold, OtherNodes};
use tokio::time::timeout;

/// How long a node may take to remove some versions.
const ANSWER: Duration = Duration::from_secs(10);
/// The most bytes of names in one question.
const MOST_BYTES: usize = 8 << 10;

/// Has the other nodes remove what is removed here.
#[derive(Debug)]
pub(super) struct TellRemovals(pub(super) Arc<ClusterPeers>);

/// Versions as nodes name them to one another.
pub(super) fn read(versions: &[String]) -> Option<Vec<ModuleVersion>> {
    let read = |text: &String| {
        let (module, version) = text.rsplit_once('@')?;
        let (module, version) = (ModulePath::parse(module).ok()?, Version::parse(version).ok()?);
        ModuleVersion::new(module, version).ok()
    };
    versions.iter().map(read).collect()
}

/// The same, in pieces that fit into a question.
fn pieces(versions: &[ModuleVersion]) -> Vec<Vec<String>> {
    let mut pieces: Vec<Vec<String>> = Vec::new();
    let mut bytes = MOST_BYTES;
    for version in versions {
        let name = format!("{}@{}", version.path(), version.version());
        if bytes + name.len() > MOST_BYTES {
            pieces.push(Vec::new());
            bytes = 0;
        }
        bytes += name.len() + 3;
        if let Some(last) = pieces.last_mut() {
            last.push(name);
        }
    }
    pieces
}

#[async_trait]
impl OtherNodes for TellRemovals {
    async fn remove(&self, versions: &[ModuleVersion], reason: &str) -> Vec<NodeTold> {
        let pieces = pieces(versions);
        let told = self.0.by_id().into_iter().map(|(id, peer)| {
            let pieces = &pieces;
            async move {
                let mut error = None;
                for versions in pieces {
                    let about = About::Remove {
                        versions: versions.clone(),
                        reason: reason.to_owned(),
                    };
                    error = match timeout(ANSWER, peer.tell(about)).await {
                        Ok(Ok(())) => continue,
                        Ok(Err(error)) => Some(error.to_string()),
                        Err(_) => Some(format!("no answer within {ANSWER:?}")),
                    };
                    break;
                }
                NodeTold {
                    node: id.to_string(),
                    error,
                }
            }
        });
        join_all(told).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_were_written_and_fit_into_questions() {
        let version = |number: usize| {
            let module = format!("a.example/{}{number}", "m".repeat(100));
            ModuleVersion::new(
                module.parse().expect("a path"),
                Version::parse("v1.0.0").expect("a version"),
            )
            .expect("they fit")
        };
        let versions: Vec<_> = (0..200).map(version).collect();
        let pieces = pieces(&versions);
        assert!(pieces.len() > 1);
        assert!(pieces.iter().all(|piece| piece.join("\",\"").len() <= MOST_BYTES));
        let read = read(&pieces.concat()).expect("names");
        assert_eq!(read, versions);
        assert_eq!(super::read(&["a.example/m".to_owned()]), None);
    }
}
