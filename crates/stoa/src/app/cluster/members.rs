//! The nodes as the pipelines see them.

use std::{future::pending, sync::Arc, time::Duration};

use futures_util::future::join_all;
use stoa_module::PatternList;
use stoa_proxy::{About, ClusterPeers, Member, Members};
use stoa_registry::{Followed, InstanceId, NodeState, SeenNode, Source, Validate};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};
use url::Url;

use super::{
    node::{Me, PROTOCOL, PROTOCOL_LABEL, WEIGHT_LABEL},
    own_place::OwnPlace,
    own_state::OwnState,
};

/// How long other nodes are told what is new that cannot be reached.
const TELLING: Duration = Duration::from_secs(60);

/// A registration of a node that can be asked has a URL.
pub(super) fn validate() -> Validate {
    Validate::by(|registration| {
        let address: Result<Url, _> = registration.node.address.parse();
        match address {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(()),
            _ => Err(format!("its address {:?} is no URL", registration.node.address)),
        }
    })
}

/// Takes over who is there, as it changes, and whether this node is drained. Never ends. Where nodes are given by `given`, the log is
/// told of a place that cannot be that of this node.
pub(super) async fn follow_members(
    mut followed: Followed,
    peers: Arc<ClusterPeers>,
    me: Me,
    own: Arc<OwnState>,
    given: Option<String>,
) {
    let mut draining = own.draining();
    let mut place = None;
    loop {
        let changed = async {
            if draining.changed().await.is_err() {
                pending::<()>().await;
            }
        };
        tokio::select! {
            () = followed.changed() => {}
            () = changed => {}
        }
        take_over(&followed, &peers, &me, &own);
        let seen = followed.seen();
        if let Some(registry) = given.as_deref().filter(|_| seen.source != Source::Unread) {
            let now = OwnPlace::of(&seen.snapshot, &me);
            if place.as_ref() != Some(&now) {
                now.warn(&me, registry);
                place = Some(now);
            }
        }
    }
}

/// Takes over who is there now.
pub(super) fn take_over(followed: &Followed, peers: &ClusterPeers, me: &Me, own: &OwnState) {
    let snapshot = followed.load();
    let is_drained = own.is_draining();
    let all = snapshot.nodes.iter().filter_map(|node| member(node, me));
    let members = Members::new(all.map(|member| Member {
        // What this node says of itself counts before the registry has heard of it.
        is_owner: member.is_owner && !(is_drained && *member.id == *me.id.as_str()),
        ..member
    }));
    if peers.members() == members {
        return;
    }
    let shown: Vec<_> = members.all().iter().map(|member| member.id.to_string()).collect();
    tracing::info!(revision = %snapshot.revision, nodes = shown.join(" "), "the nodes of the cluster");
    peers.set(members);
}

/// A node as it is asked; `None` for one that cannot be.
fn member(seen: &SeenNode, me: &Me) -> Option<Member> {
    let registration = &seen.registration;
    let labels = &registration.node.metadata;
    let is_me = registration.node.id == me.id;
    // Under the id of this node stands another process: this one is not seen.
    if is_me && registration.node.address != me.address {
        return None;
    }
    // One that says nothing is in a list that somebody has written.
    if labels
        .get(PROTOCOL_LABEL)
        .is_some_and(|protocol| protocol != PROTOCOL)
    {
        return None;
    }
    let weight = labels
        .get(WEIGHT_LABEL)
        .and_then(|weight| weight.parse::<f64>().ok());
    let weight = weight
        .filter(|weight| weight.is_finite() && *weight >= 0.0)
        .unwrap_or(1.0);
    let has_no_instance = registration.instance == InstanceId::from_number(0);
    Some(Member {
        id: registration.node.id.as_str().into(),
        address: registration.node.address.as_str().into(),
        weight,
        is_owner: registration.state == NodeState::Ready && weight > 0.0,
        instance: (!has_no_instance).then(|| registration.instance.to_string().into()),
    })
}

/// Tells all other nodes what is new, as it comes. Never ends.
pub(super) async fn tell_others(mut refreshes: mpsc::Receiver<PatternList>, peers: Arc<ClusterPeers>) {
    while let Some(modules) = refreshes.recv().await {
        tell(&peers, &modules).await;
    }
    pending::<()>().await;
}

async fn tell(peers: &ClusterPeers, modules: &PatternList) {
    let until = Instant::now() + TELLING;
    let mut left = peers.others();
    let mut pause = Duration::from_millis(100);
    loop {
        let told = left
            .iter()
            .map(|peer| peer.tell(About::Refresh(modules.to_string())));
        let told = join_all(told).await;
        left = left
            .into_iter()
            .zip(told)
            .filter_map(|(peer, told)| told.is_err().then_some(peer))
            .collect();
        if left.is_empty() {
            return;
        }
        if Instant::now() + pause > until {
            for peer in left {
                tracing::warn!(node = %peer, %modules, "a node has not heard that there is something new");
            }
            return;
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}
