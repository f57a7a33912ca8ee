//! Nodes of a cluster, in one process: each has the whole pipelines and a storage of its own.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use stoa_fetch::{Caller, Context, FetchError, Fetched, Hops, Limits, Question, SourceName};
use stoa_module::Resource;
use stoa_proxy::{
    About, ClusterOptions, ClusterPeers, Content, KnockAnswer, Meaning, Member, Members, OwnerKey, Peer,
    PeerFailure, PeerMetrics, PeerQuestion, Peers, PeersSlot, Protocol, Reach, file_key,
};
use stoa_storage::Storage;
use stoa_telemetry::Registry;
use stoa_testing::{fixtures::ModuleFixture, gate::Gate, reply::Reply, upstream::Upstream};
use tokio::task::JoinSet;

use crate::lab::{Ask, Lab, list, module, read, resource, zip};

const NODES: [&str; 3] = ["a", "b", "c"];

/// What a node does when another one asks it.
#[derive(Clone, Debug, Default)]
enum Manner {
    /// It answers.
    #[default]
    Good,
    /// It cannot be reached.
    Away,
    /// It breaks off after so many bytes of a body.
    Breaks(usize),
}

/// What another node reaches of a node.
type Inside = (Arc<dyn Protocol>, Arc<dyn Storage>);

/// A node, as the others reach it.
#[derive(Default)]
struct Address {
    node: Mutex<Option<Inside>>,
    manner: Mutex<Manner>,
    asked: Mutex<Vec<PeerQuestion>>,
}

struct Wire {
    id: Arc<str>,
    address: Arc<Address>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({})", self.id)
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl Wire {
    fn away(&self) -> FetchError {
        FetchError::Unreachable {
            source_name: self.source_name(),
            cause: Arc::from(Box::<dyn std::error::Error + Send + Sync>::from("no route")),
        }
    }
}

#[async_trait]
impl Peer for Wire {
    fn source_name(&self) -> SourceName {
        SourceName::new(format!("node {}", self.id))
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

    async fn ask(&self, question: &PeerQuestion) -> Result<Fetched, FetchError> {
        self.address.asked.lock().push(question.clone());
        let manner = self.address.manner.lock().clone();
        let (protocol, storage) = self.address.node.lock().clone().unwrap();
        if matches!(manner, Manner::Away) {
            return Err(self.away());
        }
        let content = if question.stored_only {
            let key = file_key(&question.resource).unwrap();
            match storage.open(&key).await.unwrap() {
                Some(blob) => Content::Stored(blob),
                None => return Err(FetchError::not_found("it is not stored here")),
            }
        } else {
            let asked = Question::new(question.resource.clone(), question.context.clone());
            let answer = protocol.get(&asked).await;
            let failure = answer.map_err(|error| PeerFailure::of(&error).into_error(&self.source_name()))?;
            failure.content
        };
        let name = self.source_name();
        let broken = move |why: &str| FetchError::Broken {
            source_name: name.clone(),
            cause: Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(why)),
        };
        let breaks = broken.clone();
        let pieces = content.pieces(question.from);
        let name = self.source_name();
        let pieces = pieces.map(move |piece| {
            piece.map_err(|error| match PeerFailure::of_body(&error).into_error(&name) {
                error @ (FetchError::NotFound(_)
                | FetchError::Refused { .. }
                | FetchError::Condemned { .. }) => error,
                error => broken(&error.to_string()),
            })
        });
        let pieces = match manner {
            Manner::Breaks(after) => {
                let few = pieces
                    .take(1)
                    .map(move |piece| piece.map(|piece| piece.slice(..after)));
                few.chain(stream::once(async move { Err(breaks("it is gone")) }))
                    .boxed()
            }
            _ => pieces.boxed(),
        };
        let fetched = Fetched::new(self.source_name(), None, 1 << 30, pieces)?;
        Ok(Fetched {
            start: question.from,
            len: content.bytes(),
            of_repository: true,
            ..fetched
        })
    }

    async fn tell(&self, _: About) -> Result<(), FetchError> {
        Err(self.away())
    }

    async fn ask_database(&self, _: &str, _: &str, _: u64) -> Result<Bytes, FetchError> {
        Err(self.away())
    }
}

/// Its id, what it is made of, what it knows of the others, and how they reach it.
type Node = (Arc<str>, Lab, Arc<ClusterPeers>, Arc<Address>);

struct Cluster {
    upstream: Upstream,
    nodes: Vec<Node>,
}

impl Cluster {
    async fn new() -> Self {
        let upstream = Upstream::start().await;
        let addresses: Vec<_> = NODES
            .map(|id| (Arc::<str>::from(id), Arc::<Address>::default()))
            .into();
        let mut nodes = Vec::new();
        for (id, address) in addresses.clone() {
            let known = addresses.clone();
            let make = move |member: &Member| -> Arc<dyn Peer> {
                let (id, address) = known.iter().find(|(id, _)| *id == member.id).unwrap().clone();
                Arc::new(Wire { id, address })
            };
            let peers = Arc::new(ClusterPeers::new(Arc::clone(&id), false, Box::new(make)));
            let slot = PeersSlot::default();
            slot.fill(Arc::clone(&peers) as _);
            let part = Registry::new("stoa").root();
            let options = ClusterOptions {
                peers: Arc::new(slot),
                metrics: PeerMetrics::new(&part),
                breaks: stoa_proxy::BreakMetrics::new(&part),
                limits: Limits::default(),
                total: std::time::Duration::from_secs(60),
            };
            let lab = Lab::of_cluster(&upstream, options).await;
            *address.node.lock() = Some((Arc::clone(&lab.protocol), Arc::clone(&lab.storage)));
            nodes.push((id, lab, peers, address));
        }
        let cluster = Self { upstream, nodes };
        cluster.members(&NODES);
        cluster
    }

    /// These nodes are known to all from now on.
    fn members(&self, ids: &[&str]) {
        let members = Members::new(ids.iter().map(|id| Member {
            id: (*id).into(),
            address: format!("http://{id}.test").into(),
            weight: 1.0,
            is_owner: true,
            instance: None,
        }));
        for (_, _, peers, _) in &self.nodes {
            peers.set(members.clone());
        }
    }

    fn node(&self, id: &str) -> &Lab {
        &self
            .nodes
            .iter()
            .find(|(other, ..)| other.as_ref() == id)
            .unwrap()
            .1
    }

    fn address(&self, id: &str) -> &Address {
        &self
            .nodes
            .iter()
            .find(|(other, ..)| other.as_ref() == id)
            .unwrap()
            .3
    }

    fn behave(&self, id: &str, manner: Manner) {
        *self.address(id).manner.lock() = manner;
    }

    /// The nodes, the owner of `resource` first.
    fn ranked(&self, resource: &Resource) -> Vec<String> {
        let members = self.nodes[0].2.members();
        let ranked = members.owners(&OwnerKey::of(resource)).into_iter();
        ranked.map(|member| member.id.to_string()).collect()
    }

    fn upstream_requests(&self, resource: &Resource) -> usize {
        let path = format!("/{}", resource.path());
        self.upstream
            .requests()
            .iter()
            .filter(|request| request.path == path)
            .count()
    }

    async fn ask(&self, id: &str, resource: &Resource) -> Bytes {
        let answer = self.node(id).protocol.ask(resource).await.unwrap();
        read(answer.content).await.unwrap()
    }
}

fn bytes_of(module: &ModuleFixture) -> Bytes {
    module.zip().to_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_of_all_nodes_cost_one_fetch() {
    let cluster = Arc::new(Cluster::new().await);
    cluster.upstream.module(&module());
    let mut clients = JoinSet::new();
    for client in 0..90 {
        let cluster = Arc::clone(&cluster);
        clients.spawn(async move { cluster.ask(NODES[client % 3], &zip()).await });
    }
    while let Some(bytes) = clients.join_next().await {
        assert_eq!(bytes.unwrap(), bytes_of(&module()));
    }
    assert_eq!(cluster.upstream_requests(&zip()), 1);
    // The list is asked for once, too.
    for id in NODES {
        assert_eq!(cluster.ask(id, &list()).await, "v1.0.0\n");
    }
    assert_eq!(cluster.upstream_requests(&list()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_of_another_node_is_answered_where_it_arrives() {
    let cluster = Cluster::new().await;
    cluster.upstream.module(&module());
    let last = cluster.ranked(&zip()).pop().unwrap();
    let mut context = Context::interactive(Caller::Stoa);
    context.hops = Hops::One;
    let asked = Question::new(zip(), context);
    let answer = cluster.node(&last).protocol.get(&asked).await.unwrap();
    assert_eq!(read(answer.content).await.unwrap(), bytes_of(&module()));
    for id in NODES {
        let asked = cluster.address(id).asked.lock();
        assert!(
            asked.iter().all(|question| question.stored_only),
            "{id}: {asked:?}"
        );
    }
    // The one that is not the owner passes a client's question on, with its hop.
    cluster.ask(&last, &list()).await;
    let owner = cluster.ranked(&list()).remove(0);
    if owner != last {
        let asked = cluster.address(&owner).asked.lock();
        assert!(
            asked
                .iter()
                .any(|question| question.context.hops == Hops::One && !question.stored_only)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_is_away_is_not_needed_and_the_next_one_is_asked_first() {
    let cluster = Cluster::new().await;
    cluster.upstream.module(&module());
    let ranked = cluster.ranked(&zip());
    cluster.behave(&ranked[0], Manner::Away);
    assert_eq!(cluster.ask(&ranked[2], &zip()).await, bytes_of(&module()));
    assert_eq!(cluster.ask(&ranked[1], &zip()).await, bytes_of(&module()));
    assert_eq!(
        cluster.upstream_requests(&zip()),
        1,
        "the second in line brought it in"
    );
    cluster.behave(&ranked[1], Manner::Away);
    assert_eq!(cluster.ask(&ranked[2], &list()).await, "v1.0.0\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_owner_is_sure_of_stands_and_its_failure_does_not() {
    let cluster = Cluster::new().await;
    let missing = resource("example.com/none/@v/v1.0.0.info");
    let ranked = cluster.ranked(&missing);
    cluster.upstream.on(
        "/example.com/none/@v/v1.0.0.info",
        Reply::text(404, "not found: none"),
    );
    for id in [&ranked[2], &ranked[1]] {
        let error = cluster.node(id).protocol.ask(&missing).await.unwrap_err();
        assert_eq!(error.meaning(), Meaning::NotFound);
        assert_eq!(error.reply().unwrap().text(), Some("not found: none"));
    }
    assert_eq!(
        cluster.upstream_requests(&missing),
        1,
        "the owner remembers it for all"
    );
    let failing = resource("example.com/failing/@v/v1.0.0.info");
    let ranked = cluster.ranked(&failing);
    cluster
        .upstream
        .on("/example.com/failing/@v/v1.0.0.info", Reply::text(500, "broken"));
    let error = cluster.node(&ranked[2]).protocol.ask(&failing).await.unwrap_err();
    assert_eq!(
        error.meaning(),
        Meaning::BadUpstream,
        "a failure is never a 404: {error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_goes_on_where_its_owner_broke_off() {
    let cluster = Cluster::new().await;
    let large = module().file("large.bin", stoa_testing::content::Content::random(3 << 20, 7));
    cluster.upstream.module(&large);
    let ranked = cluster.ranked(&zip());
    cluster.ask(&ranked[0], &zip()).await;
    assert_eq!(cluster.upstream_requests(&zip()), 1);
    // It has it, and cannot send more than its beginning.
    cluster.behave(&ranked[0], Manner::Breaks(1000));
    let bytes = cluster.ask(&ranked[2], &zip()).await;
    assert!(bytes == bytes_of(&large), "every byte is the module's");
    assert_eq!(
        cluster.upstream_requests(&zip()),
        2,
        "the next one in line fetches it once more"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn when_every_other_node_breaks_off_a_node_goes_on_by_itself() {
    let cluster = Cluster::new().await;
    let large = module().file("large.bin", stoa_testing::content::Content::random(3 << 20, 7));
    cluster.upstream.module(&large);
    let ranked = cluster.ranked(&zip());
    for id in &ranked[..2] {
        cluster.behave(id, Manner::Breaks(1000));
    }
    let bytes = cluster.ask(&ranked[2], &zip()).await;
    assert!(bytes == bytes_of(&large), "every byte is the module's");
    assert!(
        cluster.upstream_requests(&zip()) <= 3,
        "one fetch of each node at most"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_comes_finds_what_others_have_stored() {
    let cluster = Cluster::new().await;
    cluster.members(&NODES[..2]);
    let mut names = Vec::new();
    for n in 0..40 {
        let fixture = ModuleFixture::new(&format!("example.com/m{n}"), "v1.0.0");
        cluster.upstream.module(&fixture);
        let wanted = resource(&format!("example.com/m{n}/@v/v1.0.0.zip"));
        let owner = cluster.ranked(&wanted).remove(0);
        cluster.ask(&owner, &wanted).await;
        names.push((wanted, fixture));
    }
    let before = cluster.upstream.total();
    cluster.members(&NODES);
    let mut moved = 0;
    for (wanted, fixture) in &names {
        moved += usize::from(cluster.ranked(wanted)[0] == "c");
        assert_eq!(cluster.ask("c", wanted).await, bytes_of(fixture));
    }
    assert!(moved > 3, "{moved} of 40 keys moved to the new node");
    assert_eq!(cluster.upstream.total(), before, "nothing is fetched again");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_lose_their_owner_share_one_fetch() {
    let cluster = Arc::new(Cluster::new().await);
    cluster.upstream.module(&module());
    let ranked = cluster.ranked(&zip());
    let gate = Gate::new();
    let path = format!("/{}", zip().path());
    cluster.upstream.on(&path, Reply::ok(module().zip()).held(&gate));
    cluster.behave(&ranked[0], Manner::Away);
    let mut clients = JoinSet::new();
    for id in [ranked[1].clone(), ranked[2].clone()] {
        let cluster = Arc::clone(&cluster);
        clients.spawn(async move { cluster.ask(&id, &zip()).await });
    }
    // The last in line has asked the second one, which fetches for both.
    gate.reached(1).await;
    while cluster
        .address(&ranked[1])
        .asked
        .lock()
        .iter()
        .all(|question| question.stored_only)
    {
        tokio::task::yield_now().await;
    }
    gate.release();
    while let Some(bytes) = clients.join_next().await {
        assert_eq!(bytes.unwrap(), bytes_of(&module()));
    }
    assert_eq!(cluster.upstream_requests(&zip()), 1);
}

/// A zip that no node can bring in: its source sends what is no zip, or always breaks off at the same byte.
async fn nobody_can(reply: Reply) -> usize {
    let cluster = Cluster::new().await;
    let path = format!("/{}", zip().path());
    cluster.upstream.on(&path, reply);
    let ranked = cluster.ranked(&zip());
    let began = tokio::time::Instant::now();
    let answer = cluster.node(&ranked[2]).protocol.ask(&zip()).await;
    let error = match answer {
        Err(error) => error,
        Ok(answer) => read(answer.content).await.unwrap_err(),
    };
    assert_eq!(error.meaning(), Meaning::BadUpstream, "{error}");
    assert!(
        began.elapsed() < std::time::Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    cluster.upstream_requests(&zip())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_zip_is_fetched_by_its_owner_and_by_nobody_else() {
    let large = stoa_testing::content::Content::random(3 << 20, 7);
    assert_eq!(nobody_can(Reply::ok(large)).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_breaks_off_at_the_same_byte_is_asked_by_one_node_and_a_few_times() {
    let large = module().file("large.bin", stoa_testing::content::Content::random(3 << 20, 7));
    let bytes = bytes_of(&large);
    let reply = Reply::Truncate {
        announce: bytes.len() as u64,
        send: stoa_testing::content::Content::from(bytes.slice(..400_000)),
    };
    assert_eq!(nobody_can(reply).await, 4, "once, and three times again");
}

#[tokio::test]
async fn alone_a_node_asks_nobody() {
    let peers = PeersSlot::default();
    let key = OwnerKey::of(&zip());
    assert!(peers.owners(&key).is_empty() && peers.holders(&key).is_empty());
}
