//! Reading and listing what the remote has.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use stoa_storage::{FileKind, RemoteFault, Storage as _, StorageError};

use crate::server::Manner;
use crate::setup::{Lab, hash, key, pattern};

const PATH: &str = "example.com/m";
const AT: &str = "v1.0.0";
const LEN: usize = 2_000_000;

async fn with_zip(manner: Manner) -> Lab {
    let lab = Lab::new(manner).await;
    lab.store(PATH, AT, pattern(LEN), Some(&hash(1))).await;
    lab.idle().await;
    lab.server.state.log.lock().unwrap().clear();
    lab
}

#[tokio::test]
async fn a_zip_is_read_from_one_answer() {
    let lab = with_zip(Manner::default()).await;
    let blob = lab
        .storage
        .open(&key(PATH, AT, FileKind::Zip))
        .await
        .unwrap()
        .unwrap();
    let mut read = Vec::new();
    while read.len() < LEN {
        read.extend_from_slice(&blob.read_at(read.len() as u64, 70_000).await.unwrap());
    }
    assert_eq!(read, pattern(LEN));
    assert_eq!(
        lab.server.state.log.lock().unwrap().len(),
        1,
        "nothing else was asked"
    );
}

#[tokio::test]
async fn other_offsets_are_asked_for_once_more() {
    for ranges in [true, false] {
        let lab = with_zip(Manner {
            ranges,
            validators: ranges,
            ..Manner::default()
        })
        .await;
        let blob = lab
            .storage
            .open(&key(PATH, AT, FileKind::Zip))
            .await
            .unwrap()
            .unwrap();
        let all = pattern(LEN);
        for at in [1_900_000, 0, 1_000_000, 1_001_000, 5, 1_999_999] {
            let read = blob.read_at(at as u64, 1000).await.unwrap();
            assert_eq!(read, all[at..LEN.min(at + 1000)], "at {at}");
        }
        let asked = lab.server.state.asked(".zip");
        assert!(
            (3..=6).contains(&asked),
            "not more than once for each jump: {asked}"
        );
    }
}

#[tokio::test]
async fn answers_that_break_off_are_gone_on_with() {
    for ranges in [true, false] {
        let lab = Lab::new(Manner {
            ranges,
            cut: 700_000,
            cuts: 3,
            ..Manner::default()
        })
        .await;
        lab.server.state.keep(
            PATH,
            AT,
            [b"i", b"m", Box::leak(pattern(LEN).to_vec().into_boxed_slice())],
        );
        let read = lab.content(&key(PATH, AT, FileKind::Zip)).await.unwrap();
        assert_eq!(read, pattern(LEN));
        let asked = lab.server.state.asked(".zip");
        assert_eq!(
            asked,
            if ranges { 3 } else { 4 },
            "each answer is gone on with where it ended, if that can be"
        );
    }
}

#[tokio::test]
async fn a_file_that_was_replaced_is_not_read_on() {
    let lab = with_zip(Manner {
        validators: true,
        ..Manner::default()
    })
    .await;
    let blob = lab
        .storage
        .open(&key(PATH, AT, FileKind::Zip))
        .await
        .unwrap()
        .unwrap();
    blob.read_at(0, 10).await.unwrap();
    lab.server
        .state
        .keep(PATH, AT, [b"i", b"m", Box::leak(vec![1; LEN].into_boxed_slice())]);
    let error = blob.read_at(1_900_000, 10).await.unwrap_err();
    assert!(
        error.report().to_string().contains("another content"),
        "{}",
        error.report()
    );
}

#[tokio::test]
async fn listings_join_both_places() {
    let lab = Lab::new(Manner::default()).await;
    let began = SystemTime::now() - Duration::from_secs(2);
    for (path, at) in [
        ("example.com/b", "v1.0.0"),
        ("example.com/A", "v1.0.0"),
        ("example.com/a", "v1.2.0"),
    ] {
        lab.store(path, at, pattern(100), None).await;
    }
    for n in 0..5 {
        lab.server
            .state
            .keep("example.com/a", &format!("v1.0.{n}"), [b"i", b"mo", b"zip"]);
    }
    lab.idle().await;
    let here = key("example.com/a.b", "v1.0.0", FileKind::Mod);
    lab.storage.put(&here, Bytes::from_static(b"here")).await.unwrap();
    let modules = lab.storage.modules(None, 10).await.unwrap();
    let modules: Vec<_> = modules.iter().map(ToString::to_string).collect();
    assert_eq!(
        modules,
        [
            "example.com/A",
            "example.com/a.b",
            "example.com/a",
            "example.com/b"
        ]
    );
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = lab.storage.files(after.as_ref(), 4).await.unwrap();
        after = page.last().map(|file| file.key.clone());
        let is_last = page.len() < 4;
        all.extend(page);
        if is_last {
            break;
        }
    }
    assert_eq!(all.len(), 25);
    let sizes: u64 = all.iter().map(|file| file.len).sum();
    let texts = [
        "example.com/A@v1.0.0",
        "example.com/a@v1.2.0",
        "example.com/b@v1.0.0",
    ];
    let saved: usize = texts
        .iter()
        .map(|text| 100 + 2 * text.len() + "info of mod of ".len())
        .sum();
    assert_eq!(sizes, saved as u64 + 5 * 6 + 4);
    let dated = all.iter().filter(|file| file.modified > began).count();
    assert_eq!(dated, 10, "what was saved from here has a date");
    let versions = lab
        .storage
        .versions(&"example.com/a".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(versions.len(), 6);
}

#[tokio::test]
async fn a_server_without_a_catalog_says_so() {
    let lab = Lab::new(Manner {
        catalog: false,
        ..Manner::default()
    })
    .await;
    for error in [
        lab.storage.modules(None, 10).await.map(drop).unwrap_err(),
        lab.storage.files(None, 10).await.map(drop).unwrap_err(),
    ] {
        assert!(
            matches!(
                error,
                StorageError::Remote {
                    fault: RemoteFault::NoCatalog,
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(error.to_string().contains("/catalog"), "{error}");
    }
}
