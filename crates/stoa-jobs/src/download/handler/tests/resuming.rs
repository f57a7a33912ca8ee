//! Downloads that go on where an earlier run ended.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{
    download::{
        Request, TransportFault,
        testing::{Lab, Origin, Reply, Step, png},
    },
    hex::hex,
};

/// What a server that knows ranges answers; the bytes that are sent before it breaks off are `until`.
fn ranged(request: &Request, content: &Bytes, etag: &str, until: usize) -> Reply {
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let asked =
        header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let first = asked.filter(|_| header("if-range") == Some(etag)).unwrap_or(0);
    let (total, rest) = (content.len(), content.slice(first..));
    let reply = if first > 0 {
        Reply::new(206).header("content-range", &format!("bytes {first}-{}/{total}", total - 1))
    } else {
        Reply::new(200)
    };
    let sent = rest.len().min(until);
    let mut reply = reply
        .header("etag", etag)
        .header("content-length", &rest.len().to_string());
    for part in rest.slice(..sent).chunks(8_000) {
        reply = reply.step(Step::Send(Bytes::copy_from_slice(part)));
    }
    if sent < rest.len() {
        reply.step(Step::Break(TransportFault::Cut))
    } else {
        reply
    }
}

fn random_bytes(random: &mut fastrand::Rng, length: usize) -> Bytes {
    (0..length).map(|_| random.u8(..)).collect()
}

#[tokio::test]
async fn cuts_anywhere_cost_no_byte_twice() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..12 {
        let length = random.usize(1..300_000);
        let content = random_bytes(&mut random, length);
        let sent = Arc::new(AtomicUsize::new(0));
        let (served, counter, mut cuts) = (content.clone(), Arc::clone(&sent), random.fork());
        let origin = Origin::new(move |number, request| {
            // The fifth request is answered to the end.
            let until = if number < 4 { cuts.usize(0..length) } else { length };
            let first = request.headers.get("range").map_or(0, |range| {
                let range = range.to_str().expect("text");
                range[6..range.len() - 1].parse().expect("a number")
            });
            counter.fetch_add(until.min(length - first), Ordering::Relaxed);
            Ok(ranged(request, &served, "\"a\"", until))
        });
        let mut lab = Lab::new(&origin, json!({"sha256": hex(&Sha256::digest(&content))}));
        let mut runs = 1;
        let result = loop {
            let ran = lab.run().await;
            if ran.class().0 == "ok" {
                break ran.result();
            }
            assert_eq!(ran.class(), ("retry", "cut"));
            runs += 1;
        };
        assert!(runs <= 5, "{runs}");
        assert_eq!((result.status, result.bytes), (200, length as u64));
        assert_eq!(lab.published().as_deref(), Some(&*content));
        assert_eq!(sent.load(Ordering::Relaxed), length, "bytes that the origin sent");
        assert_eq!(lab.temporary(), [""; 0]);
    }
}

#[tokio::test]
async fn changed_content_is_fetched_from_its_beginning() {
    let (old, new) = (Bytes::from(vec![1; 50_000]), Bytes::from(vec![2; 40_000]));
    let served = new.clone();
    let origin = Origin::new(move |number, request| {
        Ok(match number {
            0 => ranged(request, &old, "\"a\"", 30_000),
            _ => ranged(request, &served, "\"b\"", usize::MAX),
        })
    });
    let mut lab = Lab::new(&origin, json!({}));
    assert_eq!(lab.run().await.class(), ("retry", "cut"));
    let ran = lab.run().await;
    assert_eq!(lab.published().as_deref(), Some(&*new));
    assert_eq!(ran.result().etag.as_deref(), Some("\"b\""));
    assert_eq!(ran.notes.get("resumed_from"), None);
    let asked = &origin.requests()[1].headers;
    assert_eq!(
        (&asked["range"], &asked["if-range"]),
        (
            &"bytes=30000-".parse().expect("a value"),
            &"\"a\"".parse().expect("a value")
        )
    );
    assert_eq!(origin.requests().len(), 2);
}

#[tokio::test]
async fn an_answer_that_does_not_go_on_exactly_is_refused() {
    let content = Bytes::from((0..40_000_u32).flat_map(u32::to_be_bytes).collect::<Vec<_>>());
    let total = content.len();
    let last = total - 1;
    let liars: Vec<Reply> = vec![
        Reply::new(206).header("content-range", &format!("bytes 29999-{last}/{total}")),
        Reply::new(206).header("content-range", &format!("bytes 30001-{last}/{total}")),
        Reply::new(206).header("content-range", &format!("bytes 30000-{last}/{}", total + 1)),
        Reply::new(206).header("content-range", &format!("bytes 30000-{total}/{total}")),
        Reply::new(206).header("content-range", "bytes 30000-29999/160000"),
        Reply::new(206).header("content-range", &format!("bytes 30000-{last}/*")),
        Reply::new(206)
            .header("content-range", &format!("bytes 30000-{last}/{total}"))
            .header("content-length", "5"),
        Reply::new(206)
            .header("content-range", &format!("bytes 30000-{last}/{total}"))
            .header("etag", "\"b\""),
        Reply::new(206).header("content-range", &format!("bytes 0-{0}/{0}", u64::MAX)),
        Reply::new(206).header("content-range", "lies"),
        Reply::new(206),
        Reply::new(416),
    ];
    for liar in liars {
        let (served, lie) = (content.clone(), liar.clone().step(Step::Send("x".into())));
        let origin = Origin::new(move |number, request| {
            Ok(match number {
                0 => ranged(request, &served, "\"a\"", 30_000),
                1 => lie.clone(),
                _ => ranged(request, &served, "\"a\"", usize::MAX),
            })
        });
        let mut lab = Lab::new(&origin, json!({}));
        assert_eq!(lab.run().await.class(), ("retry", "cut"));
        let ran = lab.run().await;
        assert_eq!(ran.class().0, "ok", "{liar:?}");
        assert_eq!(lab.published().as_deref(), Some(&*content), "{liar:?}");
        assert_eq!(ran.notes["range_refused"], true);
        let requests = origin.requests();
        assert_eq!(requests.len(), 3, "{liar:?}");
        assert!(!requests[2].headers.contains_key("range"));
    }
}

#[tokio::test]
async fn a_part_of_what_is_left_is_kept_for_the_next_run() {
    let content = Bytes::from(vec![3; 50_000]);
    let served = content.clone();
    let origin = Origin::new(move |number, request| {
        Ok(match number {
            0 => ranged(request, &served, "\"a\"", 10_000),
            1 => Reply::new(206)
                .header("content-range", "bytes 10000-19999/50000")
                .step(Step::Send(served.slice(10_000..20_000))),
            _ => ranged(request, &served, "\"a\"", usize::MAX),
        })
    });
    let mut lab = Lab::new(&origin, json!({}));
    assert_eq!(lab.run().await.class(), ("retry", "cut"));
    assert_eq!(lab.run().await.class(), ("retry", "cut"));
    let ran = lab.run().await;
    assert_eq!(
        (&ran.notes["resumed_from"], &ran.notes["bytes"]),
        (&json!(20_000), &json!(30_000))
    );
    assert_eq!(ran.notes["status"], 206);
    assert_eq!(lab.published().as_deref(), Some(&*content));
}

#[tokio::test]
async fn nothing_goes_on_from_what_no_strong_validator_vouches_for() {
    for etag in ["W/\"a\"", "a"] {
        let content = Bytes::from(vec![3; 50_000]);
        let origin = Origin::new(move |_, request| Ok(ranged(request, &content, etag, 10_000)));
        let mut lab = Lab::new(&origin, json!({}));
        lab.run().await;
        assert_eq!(lab.temporary(), [""; 0]);
        lab.run().await;
        assert!(!origin.requests()[1].headers.contains_key("range"));
    }
}

#[tokio::test]
async fn files_that_are_not_what_was_recorded_are_not_gone_on_from() {
    let content = Bytes::from(vec![3; 50_000]);
    let damages: [fn(&Lab); 5] = [
        |lab| {
            let mut bytes = fs::read(lab.part()).expect("a file");
            bytes[9_000] = 4;
            fs::write(lab.part(), bytes).expect("a file");
        },
        |lab| fs::write(lab.part(), [3; 9_999]).expect("a file"),
        |lab| fs::write(lab.part().with_extension("json"), "{").expect("a file"),
        |lab| fs::write(lab.part().with_extension("json"), vec![b' '; 1 << 20]).expect("a file"),
        |lab| fs::remove_file(lab.part()).expect("a file"),
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let served = content.clone();
        let origin = Origin::new(move |number, request| {
            Ok(ranged(
                request,
                &served,
                "\"a\"",
                if number == 0 { 10_000 } else { usize::MAX },
            ))
        });
        let mut lab = Lab::new(&origin, json!({}));
        lab.run().await;
        assert_eq!(lab.temporary(), ["abcdefghijklmn.json", "abcdefghijklmn.part"]);
        damage(&lab);
        lab.run().await.result();
        assert!(
            !origin.requests()[1].headers.contains_key("range"),
            "damage {number}"
        );
        assert_eq!(lab.published().as_deref(), Some(&*content), "damage {number}");
    }
}

#[tokio::test]
async fn another_download_does_not_go_on_from_it() {
    let content = Bytes::from(vec![3; 50_000]);
    let origin = Origin::new(move |_, request| Ok(ranged(request, &content, "\"a\"", 10_000)));
    let mut lab = Lab::new(&origin, json!({}));
    lab.run().await;
    lab.job.payload["headers"] = json!({"accept-language": "de"});
    lab.run().await;
    assert!(!origin.requests()[1].headers.contains_key("range"));
}

#[tokio::test]
async fn a_digest_that_only_the_parts_have_wrong_is_tried_from_the_beginning() {
    let (old, new) = (Bytes::from(vec![1; 50_000]), Bytes::from(vec![2; 50_000]));
    let (first, rest) = (old.clone(), new.clone());
    let origin = Origin::new(move |number, request| {
        // One entity tag for two contents.
        Ok(match number {
            0 => ranged(request, &first, "\"a\"", 10_000),
            _ => ranged(request, &rest, "\"a\"", usize::MAX),
        })
    });
    let mut lab = Lab::new(&origin, json!({"sha256": hex(&Sha256::digest(&new))}));
    assert_eq!(lab.run().await.class(), ("retry", "cut"));
    assert_eq!(lab.run().await.class(), ("retry", "digest"));
    assert_eq!(lab.run().await.class().0, "ok");
    assert_eq!(lab.published().as_deref(), Some(&*new));
}

#[tokio::test]
async fn a_run_that_is_dropped_leaves_what_it_has() {
    let mut content = png(10, 10);
    content.extend(vec![7; 20_000]);
    let content = Bytes::from(content);
    let served = content.clone();
    let origin = Origin::new(move |number, request| {
        Ok(match number {
            0 => Reply::new(200)
                .header("etag", "\"a\"")
                .step(Step::Send(served.slice(..5_000)))
                .step(Step::Wait(Duration::from_secs(3_600))),
            _ => ranged(request, &served, "\"a\"", usize::MAX),
        })
    });
    let mut lab = Lab::new(
        &origin,
        json!({"extract_image_size": true, "mime_type": "image/png"}),
    );
    let run = lab.next_run();
    tokio::select! {
        ran = lab.run_as(&run) => panic!("{ran:?}"),
        () = async {
            while run.renewal().progress.is_none() {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    let ran = lab.run().await;
    assert_eq!(ran.notes["resumed_from"], 5_000);
    assert_eq!(ran.result().image_size.as_deref(), Some("10x10"));
    assert_eq!(lab.published().as_deref(), Some(&*content));
}

#[tokio::test]
async fn a_condition_is_sent_and_304_is_unchanged() {
    let origin = Origin::new(|_, request| {
        assert_eq!(
            request.headers["if-modified-since"],
            "Thu, 01 Jan 2026 00:00:00 GMT"
        );
        Ok(match request.headers["if-none-match"].to_str() {
            Ok("\"a\"") => Reply::new(304).header("etag", "\"a\""),
            _ => Reply::ok("new").header("etag", "\"a\""),
        })
    });
    let modified = "Thu, 01 Jan 2026 00:00:00 GMT";
    let mut lab = Lab::new(
        &origin,
        json!({"conditional": {"etag": "\"a\"", "last_modified": modified}}),
    );
    let result = lab.run().await.result();
    assert_eq!(
        (result.status, result.unchanged, result.location),
        (304, true, None)
    );
    assert_eq!((lab.published(), lab.temporary()), (None, Vec::new()));
    let mut lab = Lab::new(
        &origin,
        json!({"conditional": {"etag": "\"b\"", "last_modified": modified}}),
    );
    let result = lab.run().await.result();
    assert_eq!((result.status, result.unchanged), (200, false));
    assert_eq!(lab.published().as_deref(), Some(b"new".as_slice()));
}
