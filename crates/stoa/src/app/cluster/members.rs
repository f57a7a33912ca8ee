//! The nodes as the pipelines see them.

use std::{collections::BTreeSet, fmt::Write, future::pending, sync::Arc};

use stoa_proxy::{ClusterPeers, Member, Members};
use stoa_registry::{Followed, InstanceId, NodeState, SeenNode, Source, Validate};

use super::{
    address::NodeAddress,
    node::{Me, PROTOCOL, PROTOCOL_LABEL, WEIGHT_LABEL},
    own_place::OwnPlace,
    own_state::OwnState,
};

/// The most nodes of one cluster. Each question hashes its key with all of them, so that a registry full of junk must not make every
/// question dear. All nodes take the same ones: the first by id.
const MOST_MEMBERS: usize = 1024;
/// The heaviest node that there may be, as in the configuration.
const HEAVIEST: f64 = 1000.0;
/// How many nodes that come or go are named in the log at a time.
const MOST_NAMED: usize = 16;

/// A registration of a node that can be asked has a URL.
pub(super) fn validate() -> Validate {
    Validate::by(
        |registration| match NodeAddress::parse(&registration.node.address) {
            Ok(_) => Ok(()),
            Err(reason) => Err(reason.to_owned()),
        },
    )
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
    let (mut place, mut has_told) = (None, false);
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
        let are_too_many = take_over(&followed, &peers, &me, &own);
        if are_too_many && !has_told {
            tracing::warn!(
                most = MOST_MEMBERS,
                "the registry has more nodes than a cluster may have; the first ones by id are taken"
            );
        }
        has_told = are_too_many;
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

/// Takes over who is there now. Whether there are more than a cluster may have.
pub(super) fn take_over(followed: &Followed, peers: &ClusterPeers, me: &Me, own: &OwnState) -> bool {
    let snapshot = followed.load();
    let is_drained = own.is_draining();
    let all = snapshot.nodes.iter().filter_map(|node| member(node, me));
    let (members, are_too_many) = first(all.map(|member| Member {
        // What this node says of itself counts before the registry has heard of it.
        is_owner: member.is_owner && !(is_drained && *member.id == *me.id.as_str()),
        ..member
    }));
    let before = peers.members();
    if before != members {
        let (came, went) = (named(&members, &before), named(&before, &members));
        let count = members.all().len();
        tracing::info!(revision = %snapshot.revision, count, came, went, "the nodes of the cluster");
        peers.set(members);
    }
    are_too_many
}

/// The first of those who are there, and whether there are more.
fn first(mut members: impl Iterator<Item = Member>) -> (Members, bool) {
    let first = Members::new(members.by_ref().take(MOST_MEMBERS));
    (first, members.next().is_some())
}

/// The ids of those who are among `these` and not among `those`, or only how many more.
fn named(these: &Members, those: &Members) -> String {
    let those: BTreeSet<_> = those.all().iter().map(|member| &member.id).collect();
    let new = these.all().iter().filter(|member| !those.contains(&member.id));
    let ids: Vec<_> = new.map(|member| member.id.as_ref()).collect();
    let mut shown = ids[..ids.len().min(MOST_NAMED)].join(" ");
    if ids.len() > MOST_NAMED {
        // A string can be written to.
        let _ = write!(shown, " and {} more", ids.len() - MOST_NAMED);
    }
    shown
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
    // What is remembered on disk, and what somebody has listed, comes here as well.
    let address = NodeAddress::parse(&registration.node.address).ok()?;
    let weight = labels
        .get(WEIGHT_LABEL)
        .and_then(|weight| weight.parse::<f64>().ok());
    let weight = weight
        .filter(|weight| (0.0..=HEAVIEST).contains(weight))
        .unwrap_or(1.0);
    let has_no_instance = registration.instance == InstanceId::from_number(0);
    Some(Member {
        id: registration.node.id.as_str().into(),
        address: address.as_str().into(),
        weight,
        is_owner: registration.state == NodeState::Ready && weight > 0.0,
        instance: (!has_no_instance).then(|| registration.instance.to_string().into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(range: std::ops::Range<usize>) -> impl Iterator<Item = Member> {
        range.map(|number| Member {
            id: format!("n{number:05}").into(),
            address: "http://a.example".into(),
            weight: 1.0,
            is_owner: true,
            instance: None,
        })
    }

    #[test]
    fn no_more_than_the_most_are_taken() {
        for (count, want) in [(3, (3, false)), (1024, (1024, false)), (10_000, (1024, true))] {
            let (taken, are_too_many) = first(members(0..count));
            assert_eq!((taken.all().len(), are_too_many), want);
        }
    }

    #[test]
    fn the_log_names_who_comes_and_goes_and_few_of_them() {
        let of = |range| Members::new(members(range));
        assert_eq!(named(&of(0..3), &of(1..9)), "n00000");
        assert_eq!(named(&of(0..3), &of(0..3)), "");
        let long = named(&of(0..1000), &of(0..1));
        assert!(long.ends_with("n00016 and 983 more"), "{long}");
    }
}
