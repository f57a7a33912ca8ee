//! What a node believes of another one, by what that sends: the real client, against a node whose every frame is scripted.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use parking_lot::Mutex;
use stoa_dispatch::{Pool, RawBody, RequestBody, RequestContent, Transport, TransportError};
use stoa_fetch::{Caller, Context, FetchError, Fetched, Limits, Question};
use stoa_peer::{FrameWriter, Node, Secret, Secrets, Sessions, SessionsOptions, names};
use stoa_proxy::{
    ASK_PATH, About, Member, Peer, PeerClient, PeerFailure, PeerHead, PeerOptions, PeerQuestion, PeerRequest,
    ProxyError,
};
use tokio::time::{Instant, sleep};

use crate::lab::zip;

const SILENCE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(30);

/// What a node sends.
#[derive(Clone, Debug)]
enum Step {
    /// A beginning.
    Head,
    /// Some bytes of the body.
    Data(usize),
    /// That it cannot, or no further.
    Fail(PeerFailure),
    /// The end of the whole.
    End,
    /// That it works, for so long.
    Works(Duration),
    /// Nothing any more.
    Silence,
    /// What no node sends.
    Junk,
}

/// A node whose answers are scripted. After the last step its connection ends.
#[derive(Debug)]
struct Scripted {
    sessions: Sessions,
    steps: Mutex<Vec<Step>>,
    asked: Mutex<Vec<PeerRequest>>,
}

fn secrets() -> Secrets {
    let secret = Secret::parse(b"the secret of the cluster").unwrap();
    Secrets::new(vec![secret]).unwrap()
}

fn node(name: &str) -> Node {
    Node::new(name.parse().unwrap())
}

/// The frames of a step, and how long it takes before it.
fn frames(writer: &mut FrameWriter, step: &Step) -> Vec<(Duration, Bytes)> {
    let at_once = |frame| vec![(Duration::ZERO, frame)];
    match step {
        Step::Head => at_once(writer.header(&PeerHead { len: Some(1000) }).unwrap()),
        Step::Data(bytes) => {
            let frames = writer.data(vec![b'x'; *bytes].into()).unwrap();
            frames.into_iter().map(|frame| (Duration::ZERO, frame)).collect()
        }
        Step::Fail(failure) => at_once(writer.fail(failure).unwrap()),
        Step::End => at_once(writer.end().unwrap()),
        Step::Works(time) => {
            let each = Duration::from_millis(250);
            let count = time.as_millis() / each.as_millis();
            (0..count).map(|_| (each, writer.keepalive().unwrap())).collect()
        }
        Step::Silence => vec![(Duration::from_secs(1_000_000), Bytes::new())],
        Step::Junk => at_once(Bytes::from_static(&[7; 100])),
    }
}

#[async_trait]
impl Transport for Scripted {
    async fn send(&self, request: Request<RequestBody>) -> Result<Response<RawBody>, TransportError> {
        let (head, body) = request.into_parts();
        let RequestContent::Bytes(body) = body.into_content() else {
            panic!("questions are small")
        };
        let whole = |bytes: Bytes| RawBody::new(Full::from(bytes).map_err(|never| match never {}));
        if head.uri.path() == names::HELLO_PATH {
            return Ok(Response::new(whole(self.sessions.hello(&body).unwrap())));
        }
        let signed = stoa_peer::Request {
            method: &head.method,
            target: ASK_PATH,
            headers: &head.headers,
            covered: &[],
            body: &body,
        };
        let mut writer = self.sessions.verify(&signed).unwrap().exchange.writer();
        self.asked.lock().push(PeerRequest::parse(&body).unwrap());
        let steps = self.steps.lock().clone();
        let frames: Vec<_> = steps.iter().flat_map(|step| frames(&mut writer, step)).collect();
        let body = stream::iter(frames).then(|(pause, frame)| async move {
            if !pause.is_zero() {
                sleep(pause).await;
            }
            Ok::<_, TransportError>(Frame::data(frame))
        });
        Ok(Response::new(RawBody::new(StreamBody::new(body))))
    }
}

struct Scene {
    node: Arc<Scripted>,
    client: PeerClient,
}

impl Scene {
    fn new() -> Self {
        let node = Arc::new(Scripted {
            sessions: Sessions::new(node("b"), secrets(), SessionsOptions::default()),
            steps: Mutex::default(),
            asked: Mutex::default(),
        });
        let pool = Pool::builder(Arc::new(Arc::clone(&node)))
            .settings(PeerClient::lane_settings())
            .start();
        let options = PeerOptions {
            me: self::node("a"),
            secrets: secrets(),
            silence: SILENCE,
            patience: PATIENCE,
            total: Duration::from_secs(600),
            limits: Limits::default(),
        };
        let member = Member {
            id: "b".into(),
            address: "http://b.test".into(),
            weight: 1.0,
            is_owner: true,
            instance: None,
        };
        Self {
            node,
            client: PeerClient::new(member, pool, Arc::new(options)),
        }
    }

    fn sends(&self, steps: &[Step]) {
        *self.node.steps.lock() = steps.to_vec();
    }

    async fn ask(&self) -> Result<Fetched, FetchError> {
        let asked = Question::new(zip(), Context::interactive(Caller::Anonymous));
        self.client.ask(&PeerQuestion::of(&asked)).await
    }

    /// Asks, and reads the body to its end: why that was none.
    async fn error(&self) -> FetchError {
        match self.ask().await {
            Err(error) => error,
            Ok(fetched) => fetched.bytes().await.unwrap_err(),
        }
    }
}

fn bad_zip() -> PeerFailure {
    let error = FetchError::Invalid {
        source_name: stoa_fetch::SourceName::new("upstream"),
        reason: "no zip".to_owned(),
    };
    PeerFailure::of_body(&ProxyError::from(error))
}

#[tokio::test(start_paused = true)]
async fn what_a_node_says_of_a_module_is_no_matter_of_its_health() {
    let scene = Scene::new();
    for _ in 0..20 {
        scene.sends(&[Step::Head, Step::Data(500), Step::Fail(bad_zip())]);
        let error = scene.error().await;
        assert!(matches!(error, FetchError::Condemned { .. }), "{error}");
        assert!(scene.client.is_up());
        scene.sends(&[Step::Fail(PeerFailure::failed(&"its disk is full"))]);
        let error = scene.error().await;
        assert!(matches!(error, FetchError::Unreadable { .. }), "{error}");
        assert!(scene.client.is_up());
        // Of anything else than the source, somebody else may have more.
        scene.sends(&[
            Step::Head,
            Step::Data(500),
            Step::Fail(PeerFailure::failed(&"its disk is full")),
        ]);
        let error = scene.error().await;
        assert!(matches!(error, FetchError::Broken { .. }), "{error}");
        assert!(scene.client.is_up());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_frame_proves_nothing() {
    for (what, steps) in [
        ("silence", &[Step::Silence][..]),
        ("a cut", &[]),
        ("junk", &[Step::Junk]),
        ("a cut after its head", &[Step::Head]),
        ("silence after its head", &[Step::Head, Step::Silence]),
    ] {
        for about in ["ask", "tell", "database"] {
            let scene = Scene::new();
            scene.sends(steps);
            let began = Instant::now();
            for round in 0..3 {
                match about {
                    "ask" => drop(scene.error().await),
                    "tell" => drop(scene.client.tell(About::Drain(true)).await.unwrap_err()),
                    _ => drop(
                        scene
                            .client
                            .ask_database("db", "latest", 1 << 20)
                            .await
                            .unwrap_err(),
                    ),
                }
                assert!(!scene.client.is_up(), "{what}, {about}, {round}");
            }
            assert!(began.elapsed() <= 3 * SILENCE, "{what}: {:?}", began.elapsed());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_never_sends_a_frame_is_asked_ever_less_often() {
    let scene = Scene::new();
    scene.sends(&[Step::Silence]);
    let mut asked_at = Vec::new();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(120) {
        if scene.client.is_up() {
            asked_at.push(began.elapsed().as_secs());
            scene.error().await;
        }
        sleep(Duration::from_millis(100)).await;
    }
    assert!(asked_at.len() <= 8, "{asked_at:?}");
    // The first frame makes it one that is up, though it has no answer yet.
    sleep(PATIENCE).await;
    scene.sends(&[Step::Works(Duration::from_secs(1)), Step::Silence]);
    let asking = scene.ask();
    tokio::pin!(asking);
    assert!(
        tokio::time::timeout(Duration::from_millis(600), &mut asking)
            .await
            .is_err()
    );
    assert!(scene.client.is_up());
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_source_hangs_is_waited_for_once() {
    let scene = Scene::new();
    scene.sends(&[Step::Works(Duration::from_secs(1000))]);
    let began = Instant::now();
    // All that wait at that time wait no longer than the first of them.
    let late = async {
        sleep(Duration::from_secs(20)).await;
        scene.error().await
    };
    let (first, second) = tokio::join!(scene.error(), late);
    for error in [first, second] {
        assert!(matches!(error, FetchError::Timeout { .. }), "{error}");
    }
    let elapsed = began.elapsed();
    assert!(
        (PATIENCE..PATIENCE + Duration::from_secs(1)).contains(&elapsed),
        "{elapsed:?}"
    );
    assert!(scene.client.is_up(), "it is there");
    for _ in 0..10 {
        let began = Instant::now();
        scene.error().await;
        assert!(began.elapsed() <= Duration::from_secs(3), "{:?}", began.elapsed());
    }
    // What it has at once, it is asked for as ever.
    scene.sends(&[Step::Head, Step::Data(1000), Step::End]);
    assert_eq!(scene.ask().await.unwrap().bytes().await.unwrap().len(), 1000);
    assert!(scene.client.is_up());
}

#[tokio::test(start_paused = true)]
async fn the_age_of_what_is_new_goes_with_a_question() {
    let scene = Scene::new();
    scene.sends(&[Step::Head, Step::Data(1000), Step::End]);
    let asked = Question::new(zip(), Context::interactive(Caller::Anonymous));
    let at = Instant::now();
    sleep(Duration::from_secs(7)).await;
    let question = PeerQuestion {
        renewed: Some(at),
        ..PeerQuestion::of(&asked)
    };
    drop(scene.client.ask(&question).await.unwrap());
    scene.ask().await.unwrap();
    let asked = scene.node.asked.lock();
    assert_eq!(asked[0].renewed(), Some(at));
    assert_eq!(asked[1].renewed(), None);
}
