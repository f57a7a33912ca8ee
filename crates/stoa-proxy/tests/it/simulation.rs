//! Fifty nodes with cuts, pauses, deaths and a registry that goes away, in simulated time. Everything that is drawn comes from
//! a seed, which is printed; `STOA_SEED` repeats a run.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, future::ready, stream};
use parking_lot::Mutex;
use stoa_fetch::{Context, FetchError, Fetched, Fetcher, Limits, Phase, Question, SourceName};
use stoa_module::{Resource, zip::ZipLimits};
use stoa_proxy::{
    About, BreakMetrics, ClusterOptions, ClusterPeers, Content, Ingest, Member, Members, NetworkMode,
    NoCheck, OwnerKey, Peer, PeerFailure, PeerMetrics, PeerQuestion, Peers, Refreshes, Stasher,
    StasherOptions, file_key, stash_pipeline,
};
use stoa_registry::{
    Announcer, Fault, FaultyRegistry, Followed, InstanceId, MemoryRegistry, NodeState, Registration, View,
    ViewOptions,
};
use stoa_storage::Storage;
use stoa_telemetry::Registry as Metrics;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::task::TaskTracker;

use crate::lab::{memory, read, resource};

const NODES: usize = 50;
const KEYS: usize = 300;
const TTL: Duration = Duration::from_secs(15);
/// A node that says nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(2);
/// How long things go wrong.
const TROUBLE: Duration = Duration::from_secs(300);
/// How long a client may wait: some silent nodes, one after the other, and a fetch.
const PATIENCE: Duration = Duration::from_secs(12);

fn id(number: usize) -> String {
    format!("n{number:02}")
}

fn key(number: usize) -> Resource {
    resource(&format!("example.com/m{number}/@v/v1.0.0.mod"))
}

fn content(resource: &Resource) -> Bytes {
    format!("module {}\n", resource.module()).into()
}

/// The source of all nodes. It takes its time, and counts.
struct Source {
    asked: Mutex<HashMap<Resource, usize>>,
    random: Mutex<fastrand::Rng>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("source")
    }
}

#[async_trait]
impl Fetcher for Source {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        *self.asked.lock().entry(question.resource.clone()).or_default() += 1;
        let time = self.random.lock().u64(50..800);
        sleep(Duration::from_millis(time)).await;
        let pieces = stream::once(ready(Ok(content(&question.resource)))).boxed();
        Fetched::new(SourceName::new("source"), None, 1 << 20, pieces)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Up,
    /// It stops where it is.
    Paused,
    Dead,
}

/// What others reach of a node.
struct Place {
    life: watch::Sender<Life>,
    /// Those on one side reach one another.
    side: watch::Sender<u8>,
    inside: Mutex<Option<(Arc<dyn Stasher>, Arc<dyn Storage>)>>,
}

/// A node as another one asks it.
struct Wire {
    from: Arc<Place>,
    to: Arc<Place>,
    id: Arc<str>,
    down_until: Mutex<Option<Instant>>,
}

impl Wire {
    fn is_cut(&self) -> bool {
        *self.from.side.borrow() != *self.to.side.borrow()
    }

    /// Waits until nothing comes of it any more.
    async fn fallen_silent(&self) {
        let (mut life, mut here, mut there) = (
            self.to.life.subscribe(),
            self.from.side.subscribe(),
            self.to.side.subscribe(),
        );
        while *life.borrow_and_update() == Life::Up && !self.is_cut() {
            tokio::select! {
                _ = life.changed() => {}
                _ = here.changed() => {}
                _ = there.changed() => {}
            }
        }
        if *self.to.life.borrow() != Life::Dead || self.is_cut() {
            sleep(SILENCE).await;
        }
    }

    async fn answer(&self, question: &PeerQuestion) -> Result<Content, FetchError> {
        let (stasher, storage) = self.to.inside.lock().clone().unwrap();
        sleep(Duration::from_millis(1)).await;
        if question.stored_only {
            let stored = storage
                .open(&file_key(&question.resource).unwrap())
                .await
                .unwrap();
            return stored
                .map(Content::Stored)
                .ok_or_else(|| FetchError::not_found("not stored here"));
        }
        let asked = Question::new(question.resource.clone(), question.context.clone());
        let stashed = stasher.stash(&asked).await;
        let stashed = stashed.map_err(|error| PeerFailure::of(&error).into_error(&self.source_name()))?;
        Ok(stashed.content)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

#[async_trait]
impl Peer for Wire {
    fn source_name(&self) -> SourceName {
        SourceName::new(format!("node {}", self.id))
    }

    fn is_up(&self) -> bool {
        self.down_until.lock().is_none_or(|until| until <= Instant::now())
    }

    async fn ask(&self, question: &PeerQuestion) -> Result<Fetched, FetchError> {
        let silent = || FetchError::Timeout {
            source_name: self.source_name(),
            phase: Phase::Response,
            after: SILENCE,
        };
        let answer = tokio::select! {
            answer = self.answer(question), if *self.to.life.borrow() == Life::Up && !self.is_cut() => answer,
            () = self.fallen_silent() => Err(silent()),
        };
        if answer.as_ref().is_err_and(|error| !error.is_not_found()) {
            *self.down_until.lock() = Some(Instant::now() + Duration::from_secs(2));
        }
        let bytes = read(answer?).await.unwrap();
        let pieces = stream::once(ready(Ok(bytes))).boxed();
        let fetched = Fetched::new(self.source_name(), None, 1 << 20, pieces)?;
        Ok(Fetched {
            of_repository: true,
            ..fetched
        })
    }

    async fn tell(&self, _: About) -> Result<(), FetchError> {
        Ok(())
    }

    async fn ask_database(&self, _: &str, _: &str, _: u64) -> Result<Bytes, FetchError> {
        Err(FetchError::not_found("none here"))
    }
}

struct Node {
    place: Arc<Place>,
    registry: FaultyRegistry,
    peers: Arc<ClusterPeers>,
    stasher: Arc<dyn Stasher>,
    view: View,
    _announcer: Announcer,
}

struct Simulation {
    registry: MemoryRegistry,
    source: Arc<Source>,
    nodes: Vec<Arc<Node>>,
    background: JoinSet<()>,
}

/// Takes over who is there, as the binary does.
async fn follow(mut followed: Followed, peers: Arc<ClusterPeers>) {
    loop {
        followed.changed().await;
        let snapshot = followed.load();
        let members = snapshot.nodes.iter().map(|seen| Member {
            id: seen.registration.node.id.as_str().into(),
            address: seen.registration.node.address.as_str().into(),
            weight: 1.0,
            is_owner: seen.registration.state == NodeState::Ready,
            instance: None,
        });
        peers.set(Members::new(members));
    }
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let registry = MemoryRegistry::new();
        let source = Arc::new(Source {
            asked: Mutex::default(),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
        });
        let places: Vec<_> = (0..NODES)
            .map(|_| {
                Arc::new(Place {
                    life: watch::Sender::new(Life::Up),
                    side: watch::Sender::new(0),
                    inside: Mutex::new(None),
                })
            })
            .collect();
        let mut background = JoinSet::new();
        let mut nodes = Vec::new();
        for number in 0..NODES {
            let (known, from) = (places.clone(), Arc::clone(&places[number]));
            let make = move |member: &Member| -> Arc<dyn Peer> {
                let number: usize = member.id[1..].parse().unwrap();
                Arc::new(Wire {
                    from: Arc::clone(&from),
                    to: Arc::clone(&known[number]),
                    id: Arc::clone(&member.id),
                    down_until: Mutex::new(None),
                })
            };
            let peers = Arc::new(ClusterPeers::new(id(number).into(), false, Box::new(make)));
            let storage = memory();
            let part = Metrics::new("stoa").root();
            let options = StasherOptions {
                ingest: Ingest {
                    zip_limits: ZipLimits::default(),
                    sums: Arc::new(NoCheck),
                    refusal_ttl: Duration::from_secs(30),
                },
                flights: 1_000,
                network: NetworkMode::Online,
                cluster: Some(ClusterOptions {
                    peers: Arc::clone(&peers) as _,
                    metrics: PeerMetrics::new(&part),
                    breaks: BreakMetrics::new(&part),
                    limits: Limits::default(),
                    total: Duration::from_secs(60),
                }),
                refreshes: Arc::new(Refreshes::new(None)),
            };
            let stasher = stash_pipeline(options, Arc::clone(&source) as _, &storage, &TaskTracker::new());
            *places[number].inside.lock() = Some((Arc::clone(&stasher), storage));
            let own = FaultyRegistry::new(Arc::new(registry.clone()));
            let options = ViewOptions {
                seed: seed + number as u64,
                ..ViewOptions::default()
            };
            let view = View::new(Arc::new(own.clone()), options);
            let service = "stoa".parse().unwrap();
            background.spawn(follow(view.follow(&service), Arc::clone(&peers)));
            let address = format!("http://{}.test", id(number));
            let node = Registration::new(
                service,
                id(number).parse().unwrap(),
                address,
                InstanceId::from_number(number as u128 + 1),
            );
            let announcer = Announcer::start(
                Arc::new(own.clone()),
                node,
                TTL,
                Some(view.clone()),
                seed + number as u64,
            );
            nodes.push(Arc::new(Node {
                place: Arc::clone(&places[number]),
                registry: own,
                peers,
                stasher,
                view,
                _announcer: announcer,
            }));
        }
        Self {
            registry,
            source,
            nodes,
            background,
        }
    }

    /// One thing that goes wrong; how long it lasts, and for whom.
    fn trouble(&self, random: &mut fastrand::Rng) -> (Duration, Vec<usize>) {
        let mut some: Vec<usize> = (0..NODES).collect();
        random.shuffle(&mut some);
        some.truncate(random.usize(1..8));
        let time = Duration::from_secs(random.u64(3..25));
        match random.u32(0..6) {
            0 => some
                .iter()
                .for_each(|n| drop(self.nodes[*n].place.life.send_replace(Life::Paused))),
            1 => {
                for number in &some {
                    self.nodes[*number].place.life.send_replace(Life::Dead);
                    self.nodes[*number].registry.fail(Fault::Away);
                }
            }
            2 => {
                for number in &some {
                    self.nodes[*number].place.side.send_replace(1);
                    self.nodes[*number].registry.fail(Fault::Silent);
                }
            }
            3 => some
                .iter()
                .for_each(|number| self.nodes[*number].registry.fail(Fault::Away)),
            4 => {
                some = (0..NODES).collect();
                let fault = if random.bool() { Fault::Away } else { Fault::Silent };
                self.nodes.iter().for_each(|node| node.registry.fail(fault));
            }
            _ => {
                self.registry.wipe();
                some.clear();
            }
        }
        (time, some)
    }

    fn heal(&self, numbers: &[usize]) {
        for number in numbers {
            let node = &self.nodes[*number];
            node.place.life.send_replace(Life::Up);
            node.place.side.send_replace(0);
            node.registry.fail(Fault::None);
        }
    }

    /// Waits until every node sees all of them.
    async fn converge(&self) {
        while !self
            .nodes
            .iter()
            .all(|node| node.peers.members().all().len() == NODES)
        {
            sleep(Duration::from_millis(100)).await;
        }
    }

    fn fetches(&self, resource: &Resource) -> usize {
        self.source
            .asked
            .lock()
            .get(resource)
            .copied()
            .unwrap_or_default()
    }
}

/// Asks one node for one thing, as a client does, and holds it to what is right.
async fn client(node: Arc<Node>, wanted: Resource) -> Option<Duration> {
    let began = Instant::now();
    let question = Question::new(
        wanted.clone(),
        Context::interactive(stoa_fetch::Caller::Anonymous),
    );
    let mut life = node.place.life.subscribe();
    let asked = async {
        read(node.stasher.stash(&question).await.unwrap().content)
            .await
            .unwrap()
    };
    let bytes = tokio::select! {
        bytes = timeout(PATIENCE, asked) => bytes.expect("every request is answered in time"),
        // Whoever asks a node that stops is not answered by it.
        _ = life.wait_for(|life| *life != Life::Up) => return None,
    };
    assert_eq!(bytes, content(&wanted));
    Some(began.elapsed())
}

async fn run(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut simulation = Simulation::new(seed);
    simulation.converge().await;
    // Without trouble, a key costs one fetch.
    let mut clients = JoinSet::new();
    for number in 0..100 {
        let node = Arc::clone(&simulation.nodes[random.usize(0..NODES)]);
        clients.spawn(client(node, key(KEYS + number % 20)));
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap().expect("nobody stops");
    }
    for number in 0..20 {
        assert_eq!(simulation.fetches(&key(KEYS + number)), 1, "seed {seed}");
    }
    let began = Instant::now();
    let mut troubles: Vec<(Instant, Vec<usize>)> = Vec::new();
    let mut next_trouble = began;
    let (mut requests, mut events) = (0, 0);
    while began.elapsed() < TROUBLE {
        if next_trouble <= Instant::now() {
            let (time, whom) = simulation.trouble(&mut random);
            troubles.push((Instant::now() + time, whom));
            events += 1;
            next_trouble += Duration::from_secs(random.u64(2..10));
        }
        let (over, left): (Vec<_>, Vec<_>) = troubles
            .into_iter()
            .partition(|(until, _)| *until <= Instant::now());
        over.iter().for_each(|(_, whom)| simulation.heal(whom));
        troubles = left;
        let up: Vec<_> = simulation
            .nodes
            .iter()
            .filter(|node| *node.place.life.borrow() == Life::Up)
            .collect();
        let node = Arc::clone(up[random.usize(0..up.len())]);
        clients.spawn(client(node, key(random.usize(0..KEYS))));
        requests += 1;
        while let Some(ended) = clients.try_join_next() {
            ended.unwrap();
        }
        sleep(Duration::from_millis(random.u64(5..60))).await;
    }
    simulation.heal(&(0..NODES).collect::<Vec<_>>());
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    let healed = Instant::now();
    timeout(Duration::from_secs(60), simulation.converge())
        .await
        .expect("all views agree");
    let converged = healed.elapsed();
    // What nobody has asked for yet costs one fetch again, however many ask.
    let cold = key(KEYS + 50);
    for node in &simulation.nodes {
        clients.spawn(client(Arc::clone(node), cold.clone()));
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap().expect("nobody stops");
    }
    assert_eq!(simulation.fetches(&cold), 1, "seed {seed}");
    let counts: Vec<_> = (0..KEYS).map(|number| simulation.fetches(&key(number))).collect();
    let (most, all) = (
        counts.iter().max().copied().unwrap_or_default(),
        counts.iter().sum::<usize>(),
    );
    println!(
        "seed {seed}: {requests} requests, {events} troubles, {all} fetches of {KEYS} keys, at most {most} of one, views agree after {converged:?}"
    );
    assert!(most <= 6 && all <= KEYS * 2, "seed {seed}: {counts:?}");
    for node in &simulation.nodes {
        node.view.stop().await;
    }
    simulation.background.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn fifty_nodes_answer_everything_whatever_goes_wrong() {
    let given = stoa_testing::go::environment("STOA_SEED").map(|text| text.parse().unwrap());
    for seed in given.map_or_else(|| vec![1, 2, 3], |seed| vec![seed]) {
        println!("seed {seed} (STOA_SEED={seed} repeats it)");
        run(seed).await;
    }
}
