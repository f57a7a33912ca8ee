//! Downloads and their callbacks as an engine runs them.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::sync::Notify;

use crate::{
    Ended, Engine, Gate, Kind, KindOptions, MemoryStore, Rules, SeededRandom, StateName, Store, Timestamp,
    TokioClock,
    callback::{
        CallbackHandler, CallbackJobs, CallbackMessage, CallbackOptions, CallbackRules, CallbackTarget,
    },
    download::{
        DownloadSpec, Downloads, Method, Purpose, TransportFault,
        testing::{Lab, Origin, Reply, Step, error},
    },
};

fn engine(origin: &Origin, downloads: Downloads, gate: Gate) -> Engine {
    let rules = Rules {
        callbacks: Arc::new(CallbackJobs::new(
            "https://files.example.com",
            CallbackRules::default(),
        )),
        ..Rules::default()
    };
    let clock = Arc::new(TokioClock::starting_at(Timestamp::from_millis(1_800_000_000_000)));
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(rules, clock, Arc::new(SeededRandom::new(7))));
    let kind = |text: &str| text.parse::<Kind>().expect("a kind");
    let callbacks = CallbackHandler::new(Arc::new(origin.clone()), CallbackOptions::default());
    Engine::builder(store)
        .handler(kind("url"), Arc::new(downloads), KindOptions::default())
        .gate(&kind("url"), gate)
        .handler(kind("callback"), Arc::new(callbacks), KindOptions::default())
        .start()
}

/// An origin that fails a download in three ways before it answers it, and three callbacks before it takes one and says so.
fn flaky(told: Arc<Notify>) -> Origin {
    let mut callbacks = 0;
    let mut downloads = 0;
    Origin::new(move |_, request| {
        if request.purpose == Purpose::Callback {
            callbacks += 1;
            if callbacks == 4 {
                told.notify_one();
            }
            return Ok(Reply::new(if callbacks < 4 { 500 } else { 200 }));
        }
        downloads += 1;
        let part = |bytes: &'static str| Step::Send(bytes.into());
        match downloads {
            1 => Err(error(TransportFault::Connect)),
            2 => Ok(Reply::new(503).header("retry-after", "3")),
            3 => Ok(Reply::ok("")
                .header("content-length", "10")
                .header("etag", "\"a\"")
                .step(part("01234"))),
            _ => Ok(Reply::new(206)
                .header("content-range", "bytes 5-9/10")
                .step(part("56789"))),
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_flaky_download_is_told_once_it_is_done() {
    let delivered = Arc::new(Notify::new());
    let origin = flaky(Arc::clone(&delivered));
    let lab = Lab::new(&origin, json!({}));
    let (folder, gate) = (lab.folder, lab.gate);
    let engine = engine(&origin, lab.downloads, gate);
    let spec = DownloadSpec::new("https://example.com/file".parse().expect("a URL"));
    let mut new = spec.new_job(None).expect("a job");
    let target = CallbackTarget::Http("https://hooks.example.com/x".parse().expect("a URL"));
    new.submitter.callback = Some(serde_json::to_value(target).expect("a target"));
    new.submitter.extra = "mine".to_owned();
    let submitted = engine.store().submit(vec![new]).await.expect("taken");
    let id = submitted[0].id().clone();
    let hour = Duration::from_secs(3_600);
    let (job, _) = engine.wait(&id, hour).await.expect("a store").expect("a job");
    let ended: Vec<_> = job.attempts.iter().map(|attempt| attempt.ended).collect();
    assert_eq!(
        ended,
        [Ended::Failed, Ended::Snoozed, Ended::Failed, Ended::Ok],
        "{job:?}"
    );
    assert_eq!((job.state.name(), job.charged), (StateName::Ok, 3));
    assert_eq!(job.attempts[3].notes["resumed_from"], 5);
    let name = crate::download::object_name(&id);
    let path = folder.path().join("files").join(&name);
    assert_eq!(std::fs::read(path).expect("a published file"), b"0123456789");
    // The callback is a job of its own, with an id that the store chose.
    tokio::time::timeout(hour, delivered.notified())
        .await
        .expect("a delivered callback");
    engine.drain(hour).await;
    let counts = engine.store().counts().await.expect("a store");
    assert_eq!(counts.get(&StateName::Ok), Some(&2));
    let requests = origin.requests();
    let sent: Vec<_> = requests
        .iter()
        .filter(|request| request.purpose == Purpose::Callback)
        .collect();
    assert_eq!(sent.len(), 4);
    for request in sent {
        let key = format!("{id}-0-0");
        assert_eq!(request.headers["idempotency-key"], *key);
        let Method::Post(body) = &request.method else {
            panic!("{request:?}");
        };
        let message: CallbackMessage = serde_json::from_slice(body).expect("a message");
        assert_eq!(
            (message.success, message.response_code, &*message.extra),
            (true, 200, "mine")
        );
        assert_eq!(message.download_url, format!("https://files.example.com/{name}"));
    }
}
