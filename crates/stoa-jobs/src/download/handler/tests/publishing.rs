//! The end of a download.

use std::{fs, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::json;
use tokio::time::Instant;

use crate::{
    Action, Failure, JobId, MemoryStore, NewJob, Outcome, Renewed, Rules, SeededRandom, Store as _,
    StoreError, SystemClock,
    download::{
        DownloadOptions, Existing, FileMeta, FinishedFile, Sink, SinkError,
        testing::{Lab, Origin, Reply, Step, png},
    },
};

#[tokio::test]
async fn a_download_is_published_with_all_that_is_known_of_it() {
    let image = png(10, 10);
    let reply = Reply::ok(image.clone())
        .header("etag", "\"a\"")
        .header("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        .header("content-type", "image/x-png");
    let origin = Origin::of(reply);
    let mut lab = Lab::new(
        &origin,
        json!({"extract_image_size": true, "mime_type": "image/*,!image/gif"}),
    );
    let run = lab.next_run();
    let ran = lab.run_as(&run).await;
    let Outcome::Ok(result) = &ran.outcome else {
        panic!("{ran:?}");
    };
    let sha256 = crate::hex::hex(&<sha2::Sha256 as sha2::Digest>::digest(&image));
    let expected = json!({
        "status": 200,
        "bytes": image.len(),
        "sha256": sha256,
        "content_type": "image/png",
        "image_size": "10x10",
        "etag": "\"a\"",
        "last_modified": "Thu, 01 Jan 2026 00:00:00 GMT",
        "location": "abc/abcdefghijklmn",
        "unchanged": false,
    });
    assert_eq!(*result, expected);
    let notes = json!({
        "status": 200,
        "bytes": image.len(),
        "remote": "192.0.2.1:443",
        "final_url": "https://example.com/file?...",
        "announced_type": "image/x-png",
        "content_type": "image/png",
    });
    assert_eq!(serde_json::Value::from(ran.notes), notes);
    let progress = run.renewal().progress.expect("progress");
    assert_eq!(
        (&progress["bytes"], &progress["total"]),
        (&json!(image.len()), &json!(image.len()))
    );
    assert_eq!(lab.published(), Some(image));
    assert_eq!(lab.temporary(), [""; 0]);
}

#[tokio::test]
async fn a_run_that_has_lost_its_lease_publishes_nothing() {
    let mut lab = Lab::new(&Origin::of(Reply::ok("stale")), json!({}));
    lab.leases.then(Ok(Renewed::Lost));
    assert_eq!(lab.run().await.class(), ("interrupted", "interrupted"));
    assert_eq!((lab.published(), lab.leases.left()), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn a_file_waits_for_the_store() {
    let mut lab = Lab::new(&Origin::of(Reply::ok("x")), json!({}));
    for _ in 0..5 {
        lab.leases.then(Err(StoreError::away("no store")));
    }
    let began = Instant::now();
    assert_eq!(lab.run().await.result().bytes, 1);
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    lab.leases.then(Err(StoreError::Closed));
    assert_eq!(lab.run().await.class(), ("interrupted", "interrupted"));
}

#[tokio::test]
async fn what_a_stale_run_has_published_is_replaced() {
    let mut number = 0;
    let origin = Origin::new(move |_, _| {
        number += 1;
        Ok(Reply::ok(format!("content {number}")))
    });
    let mut lab = Lab::new(&origin, json!({}));
    lab.run().await.result();
    assert_eq!(lab.published().as_deref(), Some(b"content 1".as_slice()));
    // The lease ends between the two questions: what is there stays.
    lab.leases.then(Ok(Renewed::Held));
    lab.leases.then(Ok(Renewed::Lost));
    assert_eq!(lab.run().await.class(), ("interrupted", "interrupted"));
    assert_eq!(lab.published().as_deref(), Some(b"content 1".as_slice()));
    let ran = lab.run().await;
    assert_eq!(ran.notes["replaced"], true);
    assert_eq!(lab.published().as_deref(), Some(b"content 3".as_slice()));
    assert_eq!(lab.temporary(), [""; 0]);
}

#[tokio::test]
async fn two_runs_of_one_job_never_write_the_same_file() {
    let origin = Origin::new(|number, _| {
        let reply = Reply::new(200)
            .header("etag", "\"a\"")
            .step(Step::Send(format!("content {number}").into()));
        Ok(if number == 0 {
            reply.step(Step::Wait(Duration::from_secs(3_600)))
        } else {
            reply
        })
    });
    let mut lab = Lab::new(&origin, json!({}));
    let (stale, run) = (lab.next_run(), lab.next_run());
    let work = async {
        while stale.renewal().progress.is_none() {
            tokio::task::yield_now().await;
        }
        let ran = lab.run_as(&run).await;
        assert_eq!(ran.class().0, "ok");
        assert_eq!(lab.temporary(), ["abcdefghijklmn.part"], "that of the stale run");
        assert_eq!(fs::read(lab.part()).expect("a file"), b"content 0");
    };
    tokio::select! {
        ran = lab.run_as(&stale) => panic!("{ran:?}"),
        () = work => {}
    }
    assert_eq!(lab.published().as_deref(), Some(b"content 1".as_slice()));
}

/// A sink that answers from a list.
#[derive(Debug)]
struct Scripted(Mutex<Vec<Result<String, SinkError>>>);

#[async_trait]
impl Sink for Scripted {
    async fn publish(
        &self,
        file: FinishedFile,
        _id: &JobId,
        meta: &FileMeta,
        existing: Existing,
    ) -> Result<String, SinkError> {
        assert_eq!(existing, Existing::Stays);
        assert_eq!(fs::metadata(file.path())?.len(), meta.bytes);
        self.0.lock().remove(0)
    }
}

fn lab_of(origin: &Origin, payload: serde_json::Value, answers: Vec<Result<String, SinkError>>) -> Lab {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Arc::new(Scripted(Mutex::new(answers)));
    Lab::with_sink(origin, payload, DownloadOptions::default(), folder, sink)
}

#[tokio::test]
async fn a_sink_that_is_away_costs_no_attempt_and_no_content() {
    let origin = Origin::new(|number, request| {
        let range = request
            .headers
            .get("range")
            .map(|range| range.to_str().expect("text").to_owned());
        if number == 0 {
            return Ok(Reply::ok("0123456789").header("etag", "\"a\""));
        }
        assert_eq!(range.as_deref(), Some("bytes=9-"));
        let rest = Reply::new(206).header("content-range", "bytes 9-9/10");
        Ok(rest.step(Step::Send("9".into())))
    });
    let away = Err(SinkError::Away("503".to_owned()));
    let mut lab = lab_of(&origin, json!({}), vec![away, Ok("s3://bucket/x".to_owned())]);
    assert_eq!(lab.run().await.class(), ("snooze", "sink"));
    let result = lab.run().await.result();
    assert_eq!(
        (result.bytes, result.location.as_deref()),
        (10, Some("s3://bucket/x"))
    );
    assert_eq!(lab.temporary(), [""; 0], "the sink has left the file");
}

#[tokio::test]
async fn a_sink_whose_disk_fails_closes_the_gate() {
    let failed = Err(SinkError::Local(std::io::ErrorKind::StorageFull.into()));
    let mut lab = lab_of(&Origin::of(Reply::ok("x")), json!({}), vec![failed]);
    assert_eq!(lab.run().await.class(), ("interrupted", "disk"));
    assert!(lab.gate.closed().is_some());
    assert_eq!(lab.temporary(), [""; 0]);
}

#[tokio::test]
async fn a_job_names_its_sink() {
    let lab = lab_of(&Origin::of(Reply::ok("x")), json!({"sink": "other"}), Vec::new());
    let other = Arc::new(Scripted(Mutex::new(vec![Ok("there".to_owned())])));
    let mut lab = Lab {
        downloads: lab.downloads.with_sink("other", other),
        ..lab
    };
    assert_eq!(lab.run().await.result().location.as_deref(), Some("there"));
}

/// A run that was cut off, and has left its files.
async fn cut_off() -> Lab {
    let cut = Reply::new(200)
        .header("etag", "\"a\"")
        .step(Step::Send("x".into()))
        .step(Step::Break(crate::download::TransportFault::Cut));
    let mut lab = Lab::new(&Origin::of(cut), json!({}));
    lab.run().await;
    lab
}

#[tokio::test]
async fn what_is_of_no_job_that_is_open_is_swept() {
    let lab = cut_off().await;
    assert_eq!(lab.temporary().len(), 2);
    let store = MemoryStore::new(
        Rules::default(),
        Arc::new(SystemClock),
        Arc::new(SeededRandom::new(7)),
    );
    let id = lab
        .part()
        .file_stem()
        .and_then(|name| name.to_str()?.parse().ok());
    let job = NewJob {
        id,
        ..NewJob::new("url/example.com".parse().expect("a key"), json!({}))
    };
    let id = store.submit(vec![job]).await.expect("submits")[0].id().clone();
    assert_eq!(lab.downloads.sweep_ended(&store).await.expect("a folder"), 0);
    let cancel = Action::Cancel(Failure::new("unwanted", ""));
    store.act(&id, cancel).await.expect("cancels");
    assert_eq!(lab.downloads.sweep_ended(&store).await.expect("a folder"), 1);
    assert_eq!(lab.temporary(), [""; 0]);
}

#[tokio::test]
async fn what_nobody_goes_on_with_is_swept() {
    let lab = cut_off().await;
    let orphan = lab.folder.path().join("tmp/nopqrstuvwxyza.json");
    fs::write(&orphan, "{}").expect("a file");
    fs::write(lab.folder.path().join("tmp/other"), "not ours").expect("a file");
    let sweep = |age| lab.downloads.sweep(Duration::from_secs(age));
    assert_eq!(sweep(3_600).await.expect("a folder"), 0);
    assert_eq!(lab.temporary().len(), 4);
    let held = fs::File::open(lab.part()).expect("a file");
    held.lock().expect("a lock");
    assert_eq!(sweep(0).await.expect("a folder"), 0, "somebody writes to it");
    assert!(Path::new(&lab.part()).try_exists().expect("an answer"));
    drop(held);
    assert_eq!(sweep(0).await.expect("a folder"), 1);
    assert_eq!(lab.temporary(), ["other"]);
}
