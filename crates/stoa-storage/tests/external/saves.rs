//! Versions on their way from here to there and back.

use bytes::Bytes;
use stoa_storage::external::Settled;
use stoa_storage::{FileKind, Put, RemoteFault, Storage as _, StorageError};

use crate::server::Manner;
use crate::setup::{Lab, hash, key, pattern, target};

const PATH: &str = "github.com/Some/module";
const AT: &str = "v1.0.0-RC1";

#[tokio::test]
async fn a_whole_version_moves_to_the_remote() {
    for decodes in [true, false] {
        let lab = Lab::new(Manner {
            decodes,
            ..Manner::default()
        })
        .await;
        let zip = pattern(3_000_000);
        lab.store(PATH, AT, zip.clone(), Some(&hash(1))).await;
        lab.idle().await;
        assert_eq!(lab.waiting().await, 0, "nothing waits any more");
        let name = if decodes {
            (PATH, AT)
        } else {
            ("github.com/!some/module", "v1.0.0-!r!c1")
        };
        let kept = lab
            .server
            .state
            .versions
            .lock()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>();
        assert_eq!(kept, [(name.0.to_owned(), name.1.to_owned())]);
        let info = format!("info of {PATH}@{AT}");
        assert_eq!(
            lab.content(&key(PATH, AT, FileKind::Info)).await,
            Some(info.into())
        );
        assert_eq!(lab.content(&key(PATH, AT, FileKind::Zip)).await, Some(zip));
        assert_eq!(
            lab.storage.h1(&target(PATH, AT)).await.unwrap(),
            Some(hash(1)),
            "its hash stays here"
        );
        let versions = lab.storage.versions(&PATH.parse().unwrap()).await.unwrap();
        assert_eq!(versions.len(), 1, "it is listed: {versions:?}");
        assert!(versions[0].info && versions[0].go_mod && versions[0].zip);
        let again = lab
            .storage
            .put(&key(PATH, AT, FileKind::Mod), Bytes::from_static(b"other"))
            .await;
        assert_eq!(again.unwrap(), Put::Existed, "the first content wins");
        assert_eq!(lab.waiting().await, 0);
        assert_eq!(lab.server.state.asked("POST "), 1, "it was saved once");
    }
}

#[tokio::test]
async fn a_version_without_a_zip_stays_here() {
    let lab = Lab::new(Manner::default()).await;
    for kind in [FileKind::Info, FileKind::Mod] {
        lab.storage
            .put(&key(PATH, AT, kind), Bytes::from_static(b"x"))
            .await
            .unwrap();
    }
    lab.idle().await;
    assert_eq!(lab.storage.settle().await.unwrap(), Settled::default());
    assert_eq!((lab.waiting().await, lab.server.state.asked("POST ")), (2, 0));
}

#[tokio::test]
async fn what_a_crash_left_is_settled() {
    let lab = Lab::new(Manner::default()).await;
    // One that was never saved, one that was saved and not removed, and one of which only the zip was left.
    for (at, kinds) in [("v1.0.0", 3), ("v1.1.0", 3), ("v1.2.0", 1)] {
        for kind in FileKind::ALL.into_iter().rev().take(kinds) {
            lab.local
                .put(&key(PATH, at, kind), Bytes::from_static(b"here"))
                .await
                .unwrap();
        }
    }
    for at in ["v1.1.0", "v1.2.0"] {
        lab.server.state.keep(PATH, at, [b"there", b"there", b"there"]);
    }
    let settled = lab.storage.settle().await.unwrap();
    assert_eq!((settled.saved, settled.existed, settled.refused), (1, 2, 0));
    assert_eq!((lab.waiting().await, lab.server.state.asked("POST ")), (0, 1));
    let content = lab.content(&key(PATH, "v1.1.0", FileKind::Zip)).await;
    assert_eq!(
        content,
        Some(Bytes::from_static(b"there")),
        "what was there first stays"
    );
    assert_eq!(
        lab.storage.settle().await.unwrap(),
        Settled::default(),
        "nothing is left"
    );
}

#[tokio::test]
async fn a_half_saved_version_is_saved_again() {
    let lab = Lab::new(Manner::default()).await;
    lab.server.state.keep(PATH, AT, [b"there", b"there", b"there"]);
    let name = (PATH.to_owned(), AT.to_owned());
    lab.server
        .state
        .versions
        .lock()
        .unwrap()
        .get_mut(&name)
        .unwrap()
        .remove("zip");
    for kind in FileKind::ALL {
        lab.local
            .put(&key(PATH, AT, kind), Bytes::from_static(b"here"))
            .await
            .unwrap();
    }
    assert_eq!(lab.storage.settle().await.unwrap().saved, 1);
    assert_eq!(
        lab.content(&key(PATH, AT, FileKind::Zip)).await,
        Some(Bytes::from_static(b"here"))
    );
}

#[tokio::test]
async fn what_failed_is_saved_with_the_next_success() {
    let lab = Lab::new(Manner::default()).await;
    for kind in FileKind::ALL {
        lab.local
            .put(&key(PATH, "v1.0.0", kind), Bytes::from_static(b"x"))
            .await
            .unwrap();
    }
    lab.server.state.manner.lock().unwrap().always = Some(http::StatusCode::BAD_GATEWAY);
    let error = lab.storage.settle().await.unwrap_err();
    assert!(
        matches!(
            error,
            StorageError::Remote {
                fault: RemoteFault::Away,
                ..
            }
        ),
        "{error:?}"
    );
    let content = lab.content(&key(PATH, "v1.0.0", FileKind::Zip)).await;
    assert_eq!(content, Some(Bytes::from_static(b"x")), "it is served from here");
    lab.server.state.manner.lock().unwrap().always = None;
    lab.store(PATH, "v1.1.0", pattern(10), None).await;
    lab.idle().await;
    assert_eq!(
        (
            lab.waiting().await,
            lab.server.state.versions.lock().unwrap().len()
        ),
        (0, 2)
    );
}

#[tokio::test]
async fn what_is_too_large_stays_here_and_is_offered_once() {
    let lab = Lab::new(Manner {
        cap: 1 << 20,
        ..Manner::default()
    })
    .await;
    let zip = pattern((1 << 20) + 1);
    lab.store(PATH, "v1.0.0", zip.clone(), Some(&hash(1))).await;
    lab.idle().await;
    for at in ["v1.1.0", "v1.2.0"] {
        lab.store(PATH, at, pattern(10), None).await;
        lab.idle().await;
    }
    assert_eq!(lab.waiting().await, 3, "small ones go, the large one stays");
    assert_eq!(lab.server.state.asked("v1.0.0.save"), 1);
    assert_eq!(lab.content(&key(PATH, "v1.0.0", FileKind::Zip)).await, Some(zip));
    assert_eq!(
        lab.storage.h1(&target(PATH, "v1.0.0")).await.unwrap(),
        Some(hash(1))
    );
    let settled = lab.storage.settle().await.unwrap();
    assert_eq!(
        (settled.refused, lab.server.state.asked("v1.0.0.save")),
        (1, 2),
        "and again when asked to"
    );
}

#[tokio::test]
async fn a_version_on_which_the_remote_hangs_up_is_offered_thrice() {
    let lab = Lab::new(Manner {
        cap: 1 << 20,
        abrupt: true,
        ..Manner::default()
    })
    .await;
    lab.store(PATH, "v1.0.0", pattern(8 << 20), None).await;
    lab.idle().await;
    for n in 1..6 {
        lab.store(PATH, &format!("v1.{n}.0"), pattern(10), None).await;
        lab.idle().await;
    }
    assert_eq!(lab.waiting().await, 3, "small ones go, the large one stays");
    let offered = lab.server.state.asked("v1.0.0.save");
    assert!((1..=3).contains(&offered), "{offered} times");
}

#[tokio::test]
async fn one_file_is_quarantined_and_the_others_come_back() {
    let lab = Lab::new(Manner::default()).await;
    let zip = pattern(200_000);
    lab.store(PATH, AT, zip.clone(), Some(&hash(1))).await;
    lab.idle().await;
    assert!(
        lab.storage
            .quarantine(&key(PATH, AT, FileKind::Mod))
            .await
            .unwrap()
    );
    assert_eq!(lab.server.state.versions.lock().unwrap().len(), 0);
    assert_eq!(lab.content(&key(PATH, AT, FileKind::Mod)).await, None);
    assert_eq!(
        lab.content(&key(PATH, AT, FileKind::Zip)).await,
        Some(zip.clone())
    );
    assert_eq!(lab.storage.h1(&target(PATH, AT)).await.unwrap(), Some(hash(1)));
    assert!(
        !lab.storage
            .quarantine(&key(PATH, AT, FileKind::Mod))
            .await
            .unwrap()
    );
    let put = lab
        .storage
        .put(&key(PATH, AT, FileKind::Mod), Bytes::from_static(b"better"))
        .await;
    assert_eq!(put.unwrap(), Put::Stored);
    lab.idle().await;
    assert_eq!(
        (lab.waiting().await, lab.server.state.asked("POST ")),
        (0, 2),
        "and all go there again"
    );
    assert!(
        lab.storage
            .quarantine(&key(PATH, AT, FileKind::Zip))
            .await
            .unwrap()
    );
    assert_eq!(lab.storage.h1(&target(PATH, AT)).await.unwrap(), None);
    assert_eq!(
        lab.content(&key(PATH, AT, FileKind::Mod)).await,
        Some(Bytes::from_static(b"better"))
    );
}
