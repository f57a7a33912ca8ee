use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_fetch::{FetchError, Fetched, SourceName};
use stoa_proxy::{KnockAnswer, Member, Members, Peer, PeerQuestion, Reach};
use tokio::time::timeout;

use super::*;

/// A node that hears what it is told, or is dead: then each question takes two seconds.
#[derive(Debug)]
struct Ear {
    id: Arc<str>,
    is_dead: bool,
    heard: mpsc::UnboundedSender<(Arc<str>, String)>,
}

impl fmt::Display for Ear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

#[async_trait]
impl Peer for Ear {
    fn source_name(&self) -> SourceName {
        SourceName::new("an ear")
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
        Err(FetchError::not_found("it only hears"))
    }

    async fn tell(&self, about: About) -> Result<(), FetchError> {
        if self.is_dead {
            sleep(Duration::from_secs(2)).await;
            return Err(FetchError::not_found("it is dead"));
        }
        let About::Refresh(modules) = about else {
            panic!("{about:?}")
        };
        self.heard
            .send((Arc::clone(&self.id), modules))
            .expect("somebody listens");
        Ok(())
    }

    async fn ask_database(&self, _: &str, _: &str, _: u64) -> Result<Bytes, FetchError> {
        Err(FetchError::not_found("it only hears"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_node_keeps_nobody_from_hearing_at_once() {
    let (heard, mut told) = mpsc::unbounded_channel();
    let make = move |member: &Member| -> Arc<dyn Peer> {
        Arc::new(Ear {
            id: Arc::clone(&member.id),
            is_dead: member.id.as_ref() == "b",
            heard: heard.clone(),
        })
    };
    let peers = Arc::new(ClusterPeers::new("me".into(), false, Box::new(make)));
    peers.set(Members::new(["a", "b", "c", "me"].map(|id| Member {
        id: id.into(),
        address: "http://x.test".into(),
        weight: 1.0,
        is_owner: true,
        instance: None,
    })));
    let (say, said) = mpsc::channel(1024);
    let mut telling = JoinSet::new();
    telling.spawn(tell_others(said, peers));
    let began = Instant::now();
    for number in 0..5 {
        say.send(PatternList::parse(&format!("example.com/m{number}")))
            .await
            .expect("it is read");
        let mut who = BTreeSet::new();
        for _ in 0..2 {
            let (id, modules) = told.recv().await.expect("a word");
            assert_eq!(modules, format!("example.com/m{number}"));
            who.insert(id.to_string());
        }
        assert_eq!(who, ["a", "c"].map(str::to_owned).into());
        assert_eq!(began.elapsed(), Duration::ZERO, "nobody waits for the dead one");
    }
    // Far more than there is room for at a time are taken while it is dead.
    let all = async {
        for number in 0..5_000 {
            say.send(PatternList::parse(&format!("example.com/n{number}")))
                .await
                .expect("it is read");
        }
    };
    timeout(Duration::from_secs(1), all).await.expect("nothing waits");
}

#[test]
fn patterns_are_merged_and_bounded() {
    let mut unheard = Unheard::default();
    for modules in ["a.example,b.example", "b.example", "a.example"] {
        unheard.add(&PatternList::parse(modules));
    }
    assert_eq!(unheard.modules().to_string(), "a.example,b.example");
    for number in 0..10_000 {
        unheard.add(&PatternList::parse(&format!("example.com/m{number}")));
        assert!(unheard.bytes <= MOST_BYTES);
    }
    assert_eq!(unheard.modules().to_string(), EVERYTHING);
    assert!(unheard.modules().matches("example.org/any/thing"));
}
