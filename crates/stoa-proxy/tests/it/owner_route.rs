//! What an owner route takes for an answer, and when this node brings something in by itself.

use std::{fmt, io, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use stoa_fetch::{Caller, Context, FetchError, Fetched, Limits, Question, SourceName};
use stoa_proxy::{
    About, ClusterPeers, KnockAnswer, Member, Members, OwnerKey, OwnerRoute, Peer, PeerMetrics, PeerQuestion,
    Peers, ProxyError, Reach, Refreshes, Stasher, StoredElsewhere,
};
use stoa_storage::StorageError;
use stoa_telemetry::Registry;

use crate::{fake::Fake, lab::zip};

/// A node that is there. What it is asked goes through a leaf that is scripted here, so that it hears nothing.
#[derive(Debug)]
struct Deaf;

impl fmt::Display for Deaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("b")
    }
}

#[async_trait]
impl Peer for Deaf {
    fn source_name(&self) -> SourceName {
        SourceName::new("node b")
    }

    fn is_up(&self) -> bool {
        true
    }

    fn reach(&self) -> Reach {
        Reach::Unknown
    }

    fn heard_ago(&self) -> Option<Duration> {
        None
    }

    fn is_draining(&self) -> bool {
        false
    }

    async fn knock(&self) -> Result<KnockAnswer, FetchError> {
        Ok(KnockAnswer::default())
    }

    async fn ask(&self, _: &PeerQuestion) -> Result<Fetched, FetchError> {
        Err(FetchError::not_found("it is deaf"))
    }

    async fn tell(&self, _: About) -> Result<(), FetchError> {
        Err(FetchError::not_found("it is deaf"))
    }

    async fn ask_database(&self, _: &str, _: &str, _: u64) -> Result<Bytes, FetchError> {
        Err(FetchError::not_found("it is deaf"))
    }
}

fn peers() -> Arc<dyn Peers> {
    let make = |_: &Member| -> Arc<dyn Peer> { Arc::new(Deaf) };
    let peers = ClusterPeers::new("me".into(), false, Box::new(make));
    peers.set(Members::new([Member {
        id: "b".into(),
        address: "http://b.test".into(),
        weight: 1.0,
        is_owner: true,
        instance: None,
    }]));
    assert_eq!(peers.owners(&OwnerKey::of(&zip())).len(), 1);
    Arc::new(peers)
}

fn full() -> ProxyError {
    let full = io::Error::from(io::ErrorKind::StorageFull);
    StorageError::from_io("write", Path::new("/srv/x"), full).into()
}

fn of_source(error: FetchError) -> ProxyError {
    error.into()
}

/// Whether this node asks its source, when what the other nodes are asked through ends with each of these.
#[tokio::test]
async fn what_the_source_could_not_help_with_is_not_asked_of_it() {
    let source_name = || SourceName::new("node b");
    let reason = || "it is no zip".to_owned();
    let condemned = of_source(FetchError::Condemned {
        source_name: source_name(),
        reason: reason(),
    });
    let invalid = of_source(FetchError::Invalid {
        source_name: source_name(),
        reason: reason(),
    });
    let late = of_source(FetchError::Timeout {
        source_name: source_name(),
        phase: stoa_fetch::Phase::Response,
        after: Duration::from_secs(30),
    });
    for (error, of_owners, of_holders) in [
        (condemned, false, true),
        (full(), false, false),
        // What arrived here was bad; what the source has may be good.
        (invalid, true, true),
        (late, true, true),
    ] {
        for (is_owner, want) in [(true, of_owners), (false, of_holders)] {
            let (local, leaf) = (Fake::new(), Fake::new());
            local.text(&zip(), "local");
            leaf.fail(&zip(), error.clone());
            let inner: Arc<dyn Stasher> = Arc::new(local.clone());
            let metrics = PeerMetrics::new(&Registry::new("stoa").root());
            let refreshes = Arc::new(Refreshes::new(None));
            let limits = Limits::default();
            let leaf = |_| Arc::new(leaf) as Arc<dyn Stasher>;
            let layer: Arc<dyn Stasher> = if is_owner {
                Arc::new(OwnerRoute::new(inner, peers(), limits, metrics, refreshes, leaf))
            } else {
                Arc::new(StoredElsewhere::new(
                    inner,
                    peers(),
                    limits,
                    metrics,
                    refreshes,
                    leaf,
                ))
            };
            let question = Question::new(zip(), Context::interactive(Caller::Anonymous));
            let answer = layer.stash(&question).await;
            assert_eq!(answer.is_ok(), want, "{layer}: {error}");
            assert_eq!(local.asked().len(), usize::from(want), "{layer}: {error}");
        }
    }
}
