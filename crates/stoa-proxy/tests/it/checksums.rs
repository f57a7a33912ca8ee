//! The layers around a checksum database, one by one.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use parking_lot::Mutex;
use stoa_fetch::FetchError;
use stoa_module::PatternList;
use stoa_proxy::{
    ChecksumDatabase, ChecksumDatabases, Meaning, Outcome, PrivateGate, ProxyError, SumAnswer, SumFlight,
    SumMemory, SumMemoryOptions, SumRequest,
};
use stoa_sumdb::{KeyName, RemotePath};
use tokio::{sync::watch, time::advance};
use tokio_util::task::TaskTracker;

use crate::fake::{broken, missing};

/// Answers everything alike, and keeps what it was asked.
struct FakeDatabase {
    says: Mutex<Result<&'static str, ProxyError>>,
    held: watch::Sender<bool>,
    asked: watch::Sender<Vec<String>>,
}

impl FakeDatabase {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            says: Mutex::new(Ok("first")),
            held: watch::Sender::new(false),
            asked: watch::Sender::new(Vec::new()),
        })
    }

    fn say(&self, says: Result<&'static str, FetchError>) {
        *self.says.lock() = says.map_err(ProxyError::from);
    }

    fn count(&self) -> usize {
        self.asked.borrow().len()
    }
}

impl fmt::Debug for FakeDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeDatabase")
    }
}

impl fmt::Display for FakeDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fake")
    }
}

#[async_trait]
impl ChecksumDatabase for FakeDatabase {
    async fn get(&self, path: &RemotePath) -> Result<SumAnswer, ProxyError> {
        self.asked.send_modify(|asked| asked.push(path.to_string()));
        let says = self.says.lock().clone();
        self.held.subscribe().wait_for(|held| !held).await.unwrap();
        assert_ne!(says.as_ref().ok(), Some(&"panic"), "as it was told");
        Ok(SumAnswer::new(says?, Outcome::Miss))
    }
}

fn path(text: &str) -> RemotePath {
    text.parse().unwrap()
}

fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

fn memory(fake: &Arc<FakeDatabase>) -> SumMemory {
    let options = SumMemoryOptions {
        latest_ttl: Duration::from_secs(5),
        negative_ttl: Duration::from_secs(30),
        capacity: 1 << 20,
    };
    SumMemory::new(Arc::clone(fake) as _, options)
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_remembered_for_a_while_and_failures_are_not() {
    let fake = FakeDatabase::new();
    let memory = memory(&fake);
    let lookup = path("/lookup/example.com/a@v1.0.0");
    fake.say(Err(missing()));
    for _ in 0..3 {
        let error = memory.get(&lookup).await.unwrap_err();
        assert_eq!(error.meaning(), Meaning::NotFound);
    }
    assert_eq!(fake.count(), 1);
    assert!(memory.get(&lookup).await.unwrap_err().is_remembered());
    advance(Duration::from_secs(31)).await;
    fake.say(Err(broken()));
    for _ in 0..3 {
        assert_eq!(
            memory.get(&lookup).await.unwrap_err().meaning(),
            Meaning::BadUpstream
        );
    }
    assert_eq!(fake.count(), 4);
    fake.say(Ok("there"));
    assert_eq!(memory.get(&lookup).await.unwrap().content, "there");
}

#[tokio::test(start_paused = true)]
async fn the_latest_head_is_fresh_for_seconds() {
    let fake = FakeDatabase::new();
    let memory = memory(&fake);
    let first = memory.get(&RemotePath::Latest).await.unwrap();
    assert_eq!(
        (first.outcome, first.fresh_for),
        (Outcome::Miss, Some(Duration::from_secs(5)))
    );
    fake.say(Ok("second"));
    advance(Duration::from_secs(4)).await;
    let again = memory.get(&RemotePath::Latest).await.unwrap();
    assert_eq!((&again.content[..], again.outcome), (&b"first"[..], Outcome::Hit));
    assert_eq!(again.fresh_for, Some(Duration::from_secs(1)));
    advance(Duration::from_secs(2)).await;
    assert_eq!(memory.get(&RemotePath::Latest).await.unwrap().content, "second");
    assert_eq!(fake.count(), 2);
    fake.say(Err(broken()));
    advance(Duration::from_secs(6)).await;
    assert!(
        memory.get(&RemotePath::Latest).await.is_err(),
        "what stands in is for the layer that has it"
    );
}

#[tokio::test]
async fn callers_of_one_path_share_a_flight_that_no_departure_ends() {
    let (fake, tasks) = (FakeDatabase::new(), TaskTracker::new());
    let flight = SumFlight::new(Arc::clone(&fake) as _, tasks.clone());
    let lookup = path("/lookup/example.com/a@v1.0.0");
    fake.held.send_replace(true);
    {
        let first = flight.get(&lookup);
        tokio::pin!(first);
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        // The first caller leaves here.
    }
    let callers = join_all((0..100).map(|_| flight.get(&lookup)));
    let (answers, ()) = tokio::join!(callers, async {
        fake.asked
            .subscribe()
            .wait_for(|asked| !asked.is_empty())
            .await
            .unwrap();
        fake.held.send_replace(false);
    });
    for answer in answers {
        let answer = answer.unwrap();
        assert_eq!(
            (&answer.content[..], answer.outcome),
            (&b"first"[..], Outcome::Coalesced)
        );
    }
    assert_eq!(fake.count(), 1);
    // A panic is an error for who waits, and frees the path.
    fake.say(Ok("panic"));
    assert_eq!(
        flight.get(&lookup).await.unwrap_err().meaning(),
        Meaning::Internal
    );
    fake.say(Ok("works"));
    assert_eq!(flight.get(&lookup).await.unwrap().content, "works");
}

#[tokio::test]
async fn lookups_of_private_modules_go_no_further() {
    let fake = FakeDatabase::new();
    let private = PatternList::parse("corp.example/*,github.com/corp");
    let gate = PrivateGate::new(Arc::clone(&fake) as _, name("sum.example.com"), private);
    for module in [
        "corp.example/a",
        "corp.example/a/b/v2",
        "github.com/corp/x",
        "corp.example/!a",
    ] {
        let version = if module.ends_with("v2") {
            "v2.0.0"
        } else {
            "v1.0.0"
        };
        let error = gate
            .get(&path(&format!("/lookup/{module}@{version}")))
            .await
            .unwrap_err();
        assert_eq!(error.meaning(), Meaning::Refused, "{module}");
        assert!(error.to_string().contains("is private (vcs.private)"), "{error}");
    }
    assert_eq!(fake.count(), 0);
    for public in [
        "/lookup/github.com/corporation/x@v1.0.0",
        "/latest",
        "/tile/8/0/000",
    ] {
        gate.get(&path(public)).await.unwrap();
    }
    assert_eq!(fake.count(), 3);
}

#[tokio::test]
async fn a_path_is_of_the_longest_name_that_it_begins_with() {
    let (short, long) = (FakeDatabase::new(), FakeDatabase::new());
    let databases = ChecksumDatabases::new([
        (
            name("sum.example.com"),
            Arc::clone(&short) as Arc<dyn ChecksumDatabase>,
        ),
        (name("sum.example.com/lookup"), Arc::clone(&long) as _),
    ]);
    let question = databases
        .parse("sum.example.com/lookup/lookup/example.com/lookup/a@v1.0.0")
        .unwrap();
    question.answer().await.unwrap();
    assert_eq!(*long.asked.borrow(), ["/lookup/example.com/lookup/a@v1.0.0"]);
    let question = databases.parse("sum.example.com/tile/8/0/000").unwrap();
    question.answer().await.unwrap();
    assert_eq!(*short.asked.borrow(), ["/tile/8/0/000"]);
    let supported = databases.parse("sum.example.com/lookup/supported").unwrap();
    assert_eq!(*supported.request(), SumRequest::Supported);
    assert_eq!(supported.answer().await.unwrap().content, "");
    assert_eq!(
        (short.count(), long.count()),
        (1, 1),
        "that one is passed on is answered without it"
    );
    for unknown in [
        "sum.example.org/latest",
        "sum.example.com",
        "sum.example.comm/latest",
        "",
        "/latest",
    ] {
        assert!(databases.parse(unknown).is_err(), "{unknown}");
    }
}
