use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use stoa_fetch::{FetchError, Fetched, SourceName};
use tokio::time::sleep;

use super::*;
use crate::{About, KnockAnswer, Member, Members, PeerQuestion, cluster::contact::Contact};

/// A node that answers or does not.
#[derive(Debug, Default)]
struct Door {
    contact: Contact,
    is_open: Mutex<bool>,
    knocks: Mutex<Vec<Instant>>,
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a door")
    }
}

#[async_trait]
impl Peer for Door {
    fn source_name(&self) -> SourceName {
        SourceName::new("a door")
    }

    fn is_up(&self) -> bool {
        true
    }

    fn reach(&self) -> Reach {
        self.contact.reach()
    }

    fn heard_ago(&self) -> Option<Duration> {
        self.contact.age()
    }

    fn is_draining(&self) -> bool {
        self.contact.is_draining()
    }

    async fn knock(&self) -> Result<KnockAnswer, FetchError> {
        self.knocks.lock().push(Instant::now());
        sleep(Duration::from_millis(1)).await;
        if *self.is_open.lock() {
            self.contact.heard();
            return Ok(KnockAnswer::default());
        }
        let error = FetchError::not_found("nobody");
        self.contact.failed(&error);
        Err(error)
    }

    async fn ask(&self, _: &PeerQuestion) -> Result<Fetched, FetchError> {
        Err(FetchError::not_found("nothing"))
    }

    async fn tell(&self, _: About) -> Result<(), FetchError> {
        Ok(())
    }

    async fn ask_database(&self, _: &str, _: &str, _: u64) -> Result<Bytes, FetchError> {
        Err(FetchError::not_found("nothing"))
    }
}

fn member(id: &str) -> Member {
    Member {
        id: id.into(),
        address: format!("http://{id}.test").into(),
        weight: 1.0,
        is_owner: true,
        instance: None,
    }
}

/// Peers with these doors, and this node `me`.
fn peers(doors: &HashMap<&'static str, Arc<Door>>) -> Arc<ClusterPeers> {
    let kept = doors.clone();
    let make = move |member: &Member| Arc::clone(&kept[member.id.as_ref()]) as Arc<dyn Peer>;
    let peers = Arc::new(ClusterPeers::new("me".into(), false, Box::new(make)));
    peers.set(Members::new(doors.keys().chain([&"me"]).map(|id| member(id))));
    peers
}

#[tokio::test(start_paused = true)]
async fn who_is_silent_is_knocked_at_and_who_talks_is_not() {
    let doors: HashMap<_, _> = ["a", "b", "c"].map(|id| (id, Arc::new(Door::default()))).into();
    *doors["a"].is_open.lock() = true;
    *doors["c"].is_open.lock() = true;
    let peers = peers(&doors);
    let knocker = Knocker::new(
        Arc::clone(&peers),
        KnockOptions {
            seed: 7,
            ..KnockOptions::default()
        },
    );
    let asking = async {
        loop {
            doors["c"].contact.heard();
            sleep(Duration::from_millis(100)).await;
        }
    };
    let watched = async {
        sleep(Duration::from_millis(100)).await;
        assert_eq!(doors["a"].reach(), Reach::Reached, "at once");
        sleep(Duration::from_secs(60)).await;
        // From 2 to 3 s apart.
        let knocks = ["a", "b", "c"].map(|id| doors[id].knocks.lock().len());
        assert!((20..=31).contains(&knocks[0]), "seed 7: {knocks:?}");
        assert!((20..=31).contains(&knocks[1]), "seed 7: {knocks:?}");
        assert!(knocks[2] <= 1, "seed 7: {knocks:?}");
        assert!(
            matches!(doors["b"].reach(), Reach::Lost(_)),
            "time reaches nobody"
        );
        // However often it asks, it is not knocked at more than twice a second.
        let before = doors["b"].knocks.lock().len();
        for _ in 0..100 {
            peers.heard_from("b");
            sleep(Duration::from_millis(100)).await;
        }
        let knocks = doors["b"].knocks.lock().len() - before;
        assert!((15..=21).contains(&knocks), "seed 7: {knocks}");
        let before = doors["b"].knocks.lock().len();
        *doors["b"].is_open.lock() = true;
        // It has asked something, so that it is there.
        for _ in 0..1_000 {
            peers.heard_from("b");
            peers.heard_from("nobody");
        }
        sleep(Duration::from_millis(510)).await;
        assert_eq!(doors["b"].knocks.lock().len(), before + 1);
        assert_eq!(doors["b"].reach(), Reach::Reached);
        peers.set(Members::new(["a", "me"].map(member)));
        sleep(Duration::from_secs(10)).await;
        assert_eq!(
            doors["b"].knocks.lock().len(),
            before + 1,
            "it is not there any more"
        );
    };
    tokio::select! {
        () = knocker.run() => panic!("it never ends"),
        () = asking => {}
        () = watched => {}
    }
}

#[tokio::test(start_paused = true)]
async fn only_so_many_are_knocked_at_at_a_time() {
    let ids: Vec<&'static str> = ["a", "b", "c", "d", "e", "f"].into();
    let doors: HashMap<_, _> = ids.iter().map(|id| (*id, Arc::new(Door::default()))).collect();
    let peers = peers(&doors);
    let options = KnockOptions {
        most: 2,
        seed: 3,
        ..KnockOptions::default()
    };
    let watched = async {
        sleep(Duration::from_micros(2_500)).await;
        let first: usize = ids.iter().map(|id| doors[id].knocks.lock().len()).sum();
        assert_eq!(first, 6, "each was knocked at, two after two");
        let mut at: Vec<_> = ids.iter().map(|id| doors[id].knocks.lock()[0]).collect();
        at.sort();
        assert!(at.windows(3).all(|three| three[2] > three[0]), "two at a time");
    };
    tokio::select! {
        () = Knocker::new(peers, options).run() => panic!("it never ends"),
        () = watched => {}
    }
}
