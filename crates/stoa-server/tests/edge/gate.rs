//! The gate judges everything, before anything is answered.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use axum::{Router, http::HeaderValue, routing::get};
use stoa_fetch::Caller;
use stoa_server::{Gate, GateQuestion, GateRefusal, Judgement, Subject};
use stoa_testing::{gate::Gate as Barrier, http};
use tokio::task::JoinSet;

use crate::{
    lab::{Lab, Server},
    parts::mount,
};

/// Refuses one module, and one mounted part, from when it is told to.
#[derive(Debug)]
pub(crate) struct Refuses {
    active: AtomicBool,
    refusal: GateRefusal,
}

impl Refuses {
    pub(crate) fn new() -> Self {
        let reason = "this is for others".to_owned();
        Self::with(GateRefusal::Forbidden { reason })
    }

    fn with(refusal: GateRefusal) -> Self {
        Self {
            active: AtomicBool::new(false),
            refusal,
        }
    }
}

impl fmt::Display for Refuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refuses")
    }
}

#[async_trait]
impl Gate for Refuses {
    fn judge_now(&self, question: &GateQuestion<'_>) -> Option<Judgement> {
        let is_secret = match question.subject {
            Subject::Mount(mount) => mount.prefix() == "/secret",
            subject => subject.module() == Some("example.com/secret"),
        };
        Some(if self.active.load(Ordering::SeqCst) && is_secret {
            Err(self.refusal.clone())
        } else {
            Ok(Caller::Anonymous)
        })
    }

    async fn judge(&self, _question: &GateQuestion<'_>) -> Judgement {
        unreachable!("it judges at once")
    }
}

/// Reads the name of the caller from a header, but takes its time.
#[derive(Debug)]
struct Waits(Barrier);

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("waits")
    }
}

#[async_trait]
impl Gate for Waits {
    fn judge_now(&self, question: &GateQuestion<'_>) -> Option<Judgement> {
        let is_known = question.headers.get("authorization").is_none();
        is_known.then_some(Ok(Caller::Anonymous))
    }

    async fn judge(&self, question: &GateQuestion<'_>) -> Judgement {
        self.0.pass().await;
        match question.headers["authorization"].to_str() {
            Ok("thief") => Err(GateRefusal::Hidden {
                reason: "nothing here".to_owned(),
            }),
            name => Ok(Caller::Named(name.unwrap().into())),
        }
    }
}

async fn ask(server: &Server, path: &str, headers: &[(&str, &str)]) -> http::Response {
    http::request("GET", &server.url(path), headers, b"")
        .await
        .unwrap()
}

#[tokio::test]
async fn one_module_is_refused_wherever_it_is_asked_for() {
    let gate = Arc::new(Refuses::new());
    let part = Router::new().route("/secret/page", get("a page"));
    let lab = Lab {
        gate: Some(Arc::clone(&gate) as _),
        mounts: vec![mount("/secret", part)],
        ..Lab::default()
    };
    let server = lab.start().await;
    let paths = [
        ("hot", "/example.com/secret/@v/v1.0.0.mod", "mod"),
        ("cold", "/example.com/secret/@v/v1.0.0.zip", "zip"),
        ("list", "/example.com/secret/@v/list", "list"),
        ("latest", "/example.com/secret/@latest", "latest"),
        (
            "lookup",
            "/sumdb/sum.example/lookup/example.com/secret@v1.0.0",
            "sumdb_lookup",
        ),
        ("part", "/secret/page", "service"),
    ];
    // Let in at first: the first of them is in memory then.
    assert_eq!(ask(&server, paths[0].1, &[]).await.status, 200);
    assert_eq!(ask(&server, paths[5].1, &[]).await.text(), "a page");
    let hit = ask(&server, paths[0].1, &[("X-Request-Id", "hit")]).await;
    assert_eq!(
        (hit.status, server.access("hit").await["result"].as_str()),
        (200, Some("hit"))
    );
    let asked = server.protocol.asked();

    gate.active.store(true, Ordering::SeqCst);
    for (id, path, _) in paths {
        let answer = ask(&server, path, &[("X-Request-Id", id)]).await;
        assert_eq!(
            (answer.status, answer.text()),
            (403, "this is for others\n"),
            "{path}"
        );
        assert_eq!(answer.header("x-request-id"), Some(id));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let line = server.access(id).await;
        assert_eq!(
            (&line["status"], &line["result"], &line["error"], &line["path"]),
            (
                &403.into(),
                &"error".into(),
                &"this is for others".into(),
                &path.into()
            ),
            "{line}"
        );
        let module = (id != "part").then_some("example.com/secret");
        assert_eq!(
            line.get("module").and_then(|module| module.as_str()),
            module,
            "{line}"
        );
    }
    assert_eq!(server.protocol.asked(), asked, "what is refused asks nothing");
    let other = ask(&server, "/example.com/other/@v/v1.0.0.mod", &[]).await;
    assert_eq!(other.status, 200);

    gate.active.store(false, Ordering::SeqCst);
    assert_eq!(ask(&server, paths[0].1, &[]).await.status, 200);
}

#[tokio::test]
async fn a_refusal_says_what_kind_it_is() {
    let reason = || "say who you are".to_owned();
    for (refusal, status, challenge) in [
        (
            GateRefusal::Unauthenticated {
                reason: reason(),
                challenge: Some(HeaderValue::from_static("Basic realm=\"stoa\"")),
            },
            401,
            Some("Basic realm=\"stoa\""),
        ),
        (GateRefusal::Forbidden { reason: reason() }, 403, None),
        (GateRefusal::Hidden { reason: reason() }, 404, None),
        (GateRefusal::Unavailable { reason: reason() }, 503, None),
    ] {
        let gate = Refuses::with(refusal);
        gate.active.store(true, Ordering::SeqCst);
        let lab = Lab {
            gate: Some(Arc::new(gate)),
            ..Lab::default()
        };
        let server = lab.start().await;
        let answer = ask(&server, "/example.com/secret/@v/v1.0.0.mod", &[]).await;
        assert_eq!((answer.status, answer.text()), (status, "say who you are\n"));
        assert_eq!(answer.header("www-authenticate"), challenge, "{status}");
        assert_eq!(
            answer.header("retry-after"),
            (status == 503).then_some("1"),
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_gate_that_takes_its_time_is_waited_for_and_holds_up_no_one_else() {
    let barrier = Barrier::new();
    let lab = Lab {
        gate: Some(Arc::new(Waits(barrier.clone()))),
        ..Lab::default()
    };
    let server = Arc::new(lab.start().await);
    let (hot, cold) = ("/example.com/a/@v/v1.0.0.mod", "/example.com/a/@v/v2.0.0.mod");
    assert_eq!(ask(&server, hot, &[]).await.status, 200);
    let before = server.protocol.asked().len();

    let mut waiting = JoinSet::new();
    for (id, path, name) in [
        ("hot", hot, "anna"),
        ("cold", "/example.com/a/@v/v1.0.1.mod", "ben"),
        ("thief", hot, "thief"),
        ("odd", "/example.com/%zz", "carl"),
    ] {
        let server = Arc::clone(&server);
        waiting.spawn(async move {
            let headers = [("X-Request-Id", id), ("Authorization", name)];
            (id, ask(&server, path, &headers).await)
        });
    }
    barrier.reached(4).await;
    assert_eq!(
        ask(&server, hot, &[]).await.status,
        200,
        "others are answered meanwhile"
    );
    assert_eq!(
        server.protocol.asked().len(),
        before,
        "nothing is asked before the gate has judged"
    );

    barrier.release();
    while let Some(joined) = waiting.join_next().await {
        let (id, answer) = joined.unwrap();
        let (status, result) = match id {
            "hot" => (200, "hit"),
            "cold" => (200, "miss"),
            "thief" => (404, "error"),
            _ => (400, "error"),
        };
        assert_eq!((id, answer.status), (id, status), "{}", answer.text());
        assert_eq!(server.access(id).await["result"], result, "{id}");
    }
    assert_eq!(server.protocol.last_context().caller, Caller::Named("ben".into()));
    assert_eq!(
        ask(&server, cold, &[]).await.status,
        400,
        "v2 needs a path of its own"
    );
}
