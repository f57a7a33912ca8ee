use super::*;
use crate::InstanceId;

fn node(id: &str) -> Registration {
    let (service, id) = ("proxy".parse().expect("a name"), id.parse().expect("a name"));
    Registration::new(service, id, "http://10.0.0.5", InstanceId::from_number(1))
}

fn put(id: &str) -> Event {
    Event::Put(Entry::new(node(id)))
}

fn gone(id: &str) -> Event {
    Event::Gone {
        service: "proxy".parse().expect("a name"),
        node: id.parse().expect("a name"),
    }
}

fn roster(ids: &[&str]) -> Roster {
    let rules = RosterRules {
        guard_window: Duration::from_secs(15),
        grace: Duration::from_secs(30),
        validate: Validate::by(|registration| {
            let is_url = registration.node.address.starts_with("http");
            is_url
                .then_some(())
                .ok_or_else(|| "its address is no URL".to_owned())
        }),
    };
    let mut roster = Roster::new("proxy".parse().expect("a name"), rules);
    let entries = ids.iter().map(|id| Entry::new(node(id))).collect();
    let listing = Listing {
        entries,
        revision: Revision(1),
    };
    roster.replace(listing, Instant::now());
    roster
}

/// The ids, suspects in brackets.
fn ids(roster: &Roster) -> String {
    let nodes = roster.snapshot().nodes;
    let shown = nodes.iter().map(|node| match node.standing {
        Standing::Live => node.registration.node.id.to_string(),
        Standing::Suspect => format!("({})", node.registration.node.id),
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[tokio::test(start_paused = true)]
async fn one_of_two_and_one_of_three_are_believed_to_be_gone() {
    for nodes in [&["a", "b"][..], &["a", "b", "c"], &["a"]] {
        let mut roster = roster(nodes);
        roster.apply(Revision(2), vec![gone("a")], Instant::now());
        assert_eq!(ids(&roster), nodes[1..].join(" "));
    }
}

#[tokio::test(start_paused = true)]
async fn most_of_them_at_once_are_kept_for_a_while_and_come_back_with_a_word() {
    let mut roster = roster(&["a", "b", "c"]);
    let now = Instant::now();
    roster.apply(Revision(2), vec![gone("a"), gone("b"), gone("c")], now);
    assert_eq!(ids(&roster), "(a) (b) (c)");
    roster.apply(Revision(3), vec![put("b")], now);
    assert_eq!(ids(&roster), "(a) b (c)");
    assert_eq!(roster.next_tick(), Some(now + Duration::from_secs(30)));
    roster.tick(now + Duration::from_secs(30));
    assert_eq!(ids(&roster), "b");
    assert_eq!(roster.counts().suspected, 3);
}

#[tokio::test(start_paused = true)]
async fn most_of_them_one_after_the_other_are_all_kept() {
    let mut roster = roster(&["a", "b", "c"]);
    let now = Instant::now();
    roster.apply(Revision(2), vec![gone("a")], now);
    assert_eq!(ids(&roster), "b c");
    roster.apply(Revision(3), vec![gone("b")], now + Duration::from_secs(14));
    assert_eq!(ids(&roster), "(a) (b) c", "the first one was not alone");
    roster.apply(Revision(4), vec![gone("c")], now + Duration::from_secs(14));
    assert_eq!(ids(&roster), "(a) (b) (c)");
}

#[tokio::test(start_paused = true)]
async fn who_says_that_it_leaves_is_gone_and_no_reason_for_a_guard() {
    let mut roster = roster(&["a", "b", "c"]);
    let now = Instant::now();
    for (revision, id) in ["a", "b", "c"].into_iter().enumerate() {
        let mut leaving = node(id);
        leaving.state = NodeState::Leaving;
        let revision = Revision(revision as u64 + 2);
        roster.apply(revision, vec![Event::Put(Entry::new(leaving))], now);
        roster.apply(revision, vec![gone(id)], now);
    }
    assert_eq!(ids(&roster), "");
}

#[tokio::test(start_paused = true)]
async fn a_listing_without_most_of_them_is_not_believed_either() {
    let mut roster = roster(&["a", "b", "c", "d"]);
    let listing = Listing {
        entries: vec![Entry::new(node("d"))],
        revision: Revision(9),
    };
    roster.replace(listing, Instant::now());
    assert_eq!(ids(&roster), "(a) (b) (c) d");
    assert_eq!(roster.revision(), Revision(9));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_registration_is_refused_and_the_old_one_stays() {
    let mut roster = roster(&["a", "b"]);
    let mut bad = node("a");
    bad.node.address = "nowhere".to_owned();
    roster.apply(Revision(2), vec![Event::Put(Entry::new(bad))], Instant::now());
    assert_eq!(roster.snapshot().nodes[0].registration, node("a"));
    assert_eq!(roster.counts().rejected, 1);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_not_heard_of_again_is_gone_and_the_others_stay() {
    let mut roster = roster(&["b", "c"]);
    let now = Instant::now();
    let mortal = |id| {
        Event::Put(Entry {
            registration: node(id),
            expires: Some(Duration::from_secs(10)),
        })
    };
    roster.apply(Revision(2), vec![mortal("a")], now);
    roster.apply(Revision(3), vec![mortal("b")], now);
    roster.apply(Revision(4), vec![mortal("b")], now + Duration::from_secs(5));
    roster.tick(now + Duration::from_secs(10));
    assert_eq!(ids(&roster), "b c", "the heartbeat of one does not keep another");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_takes_a_node_out_and_puts_it_back_leaves_it() {
    let mut roster = roster(&["a", "b"]);
    roster.apply(
        Revision(2),
        vec![gone("a"), put("a"), gone("b"), put("b")],
        Instant::now(),
    );
    assert_eq!(ids(&roster), "a b");
}

#[tokio::test(start_paused = true)]
async fn who_is_missing_after_a_lost_watch_may_come_back() {
    let mut roster = roster(&["a", "b", "c"]);
    let now = Instant::now();
    let listing = Listing {
        entries: vec![Entry::new(node("a")), Entry::new(node("c"))],
        revision: Revision(9),
    };
    roster.replace_lost(listing, now);
    assert_eq!(ids(&roster), "a (b) c");
    roster.apply(Revision(10), vec![put("b")], now);
    assert_eq!(ids(&roster), "a b c");
    assert_eq!(roster.next_tick(), None);
}

/// What somebody has written out of a list is gone, however much of it that is, and is not called vanished.
#[tokio::test(start_paused = true)]
async fn without_a_grace_nobody_is_suspected() {
    let mut roster = roster(&["a", "b", "c"]);
    roster.rules.grace = Duration::ZERO;
    let listing = |ids: &[&str]| Listing {
        entries: ids.iter().map(|id| Entry::new(node(id))).collect(),
        revision: Revision(2),
    };
    roster.replace_lost(listing(&["a", "b", "c"]), Instant::now());
    roster.apply(Revision(3), vec![gone("b"), gone("c")], Instant::now());
    assert_eq!((roster.snapshot().nodes.len(), roster.counts().suspected), (1, 0));
    roster.replace_lost(listing(&[]), Instant::now());
    assert_eq!((roster.snapshot().nodes.len(), roster.counts().suspected), (0, 0));
    assert_eq!(roster.counts().gone, 3);
}
