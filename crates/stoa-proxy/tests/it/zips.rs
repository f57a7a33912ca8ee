//! Zips on their way through: checked, and whole only when they are stored.

use std::sync::Arc;

use bytes::Bytes;
use stoa_module::zip::{self, FileEntry, Level, StreamChecker, StreamVerdict, ZipLimits};
use stoa_proxy::{Content, Growing, Meaning, Stasher};
use stoa_storage::{DiskStorage, FileKind};
use stoa_testing::{content, fixtures::stored_zip, gate::Gate, reply::Reply};

use crate::{
    lab::{Bring, Lab, follow, key, module, settle, stored, target, tree, zip as zip_resource},
    slow_storage::{Ending, SlowStorage},
};

const ZIP: &str = "/example.com/a/@v/v1.0.0.zip";

pub(crate) fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
    let entries = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), content::Content::from((*text).to_owned())));
    stored_zip(entries).to_bytes().to_vec()
}

pub(crate) async fn growing(stasher: &dyn Stasher) -> Growing {
    match stasher.bring(&zip_resource()).await.unwrap().content {
        Content::Growing(growing) => growing,
        other => panic!("{other:?}"),
    }
}

/// Stashes a zip that must be refused: an error for the client, and nothing in the directory.
async fn assert_refused(what: &str, reply: Reply, limits: ZipLimits) {
    let directory = tempfile::tempdir().unwrap();
    let storage = Arc::new(DiskStorage::open(directory.path()).unwrap());
    let before = tree(directory.path());
    let lab = Lab::with_limits(storage, limits).await;
    lab.upstream.on(ZIP, reply);
    let (_, end) = match lab.stasher.bring(&zip_resource()).await {
        Ok(stashed) => match stashed.content {
            Content::Growing(growing) => follow(&growing).await,
            other => panic!("{what}: {other:?}"),
        },
        Err(error) => (0, Err(error)),
    };
    let error = end.expect_err(what);
    assert_eq!(error.meaning(), Meaning::BadUpstream, "{what}: {error}");
    settle(&lab.tasks).await;
    let left: Vec<_> = tree(directory.path())
        .into_iter()
        .filter(|file| !before.contains(file) && file != ".stoa/lock")
        .collect();
    assert_eq!(left, [""; 0], "{what}: left behind");
    // The next client causes a new attempt, and a good zip is taken.
    lab.upstream.on(ZIP, Reply::ok(module().zip()));
    let again = growing(lab.stasher.as_ref()).await;
    assert_eq!(
        follow(&again).await.1.unwrap(),
        module().zip().to_bytes(),
        "{what}"
    );
}

#[tokio::test]
async fn zips_with_bad_names_are_refused() {
    for (what, files) in [
        (
            "another module",
            &[("example.com/b@v1.0.0/go.mod", "module example.com/b\n")][..],
        ),
        ("another version", &[("example.com/a@v1.0.1/a.go", "package a\n")]),
        ("no prefix", &[("go.mod", "module example.com/a\n")]),
        (
            "a way out",
            &[("example.com/a@v1.0.0/../../../etc/cron.d/x", "x")],
        ),
        ("an absolute name", &[("/etc/passwd", "x")]),
        ("a reserved name", &[("example.com/a@v1.0.0/con.txt", "x")]),
        (
            "names that differ in case",
            &[
                ("example.com/a@v1.0.0/a.go", "x"),
                ("example.com/a@v1.0.0/A.go", "y"),
            ],
        ),
        (
            "a name twice",
            &[
                ("example.com/a@v1.0.0/a.go", "x"),
                ("example.com/a@v1.0.0/a.go", "y"),
            ],
        ),
    ] {
        assert_refused(what, Reply::ok(zip_of(files)), ZipLimits::default()).await;
    }
}

#[tokio::test]
async fn what_is_no_zip_or_a_damaged_one_is_refused() {
    let good = module().zip().to_bytes().to_vec();
    let at = good.windows(9).position(|w| w == b"package a").unwrap();
    let mut wrong_content = good.clone();
    wrong_content[at] ^= 1;
    for (what, bytes) in [
        ("a page", b"<!DOCTYPE html><title>Sign in</title>".to_vec()),
        ("nothing", Vec::new()),
        ("noise", content::Content::random(100_000, 9).to_bytes().to_vec()),
        ("without its end", good[..good.len() - 30].to_vec()),
        ("half", good[..good.len() / 2].to_vec()),
        ("content with another checksum", wrong_content),
    ] {
        let chunked = Reply::Chunked(bytes.clone().into());
        assert_refused(what, Reply::ok(bytes), ZipLimits::default()).await;
        assert_refused(what, chunked, ZipLimits::default()).await;
    }
}

#[tokio::test]
async fn a_transfer_that_breaks_is_refused() {
    let good = module().zip();
    let half = content::Content::from(good.to_bytes().slice(..100));
    for (what, reply) in [
        (
            "cut",
            Reply::Truncate {
                announce: good.len(),
                send: half.clone(),
            },
        ),
        (
            "reset",
            Reply::ResetAfter {
                announce: good.len(),
                send: half.clone(),
            },
        ),
        ("chunks without the last", Reply::TruncateChunked(good.clone())),
        (
            "all but the last byte",
            Reply::Truncate {
                announce: good.len(),
                send: content::Content::from(
                    good.to_bytes().slice(..usize::try_from(good.len()).unwrap() - 1),
                ),
            },
        ),
    ] {
        assert_refused(what, reply, ZipLimits::default()).await;
    }
}

#[tokio::test]
async fn a_zip_bomb_ends_at_its_limit() {
    let zeros = vec![0_u8; 4 << 20];
    let entries = [FileEntry::regular("zeros", zeros.len() as u64)];
    let mut bomb = Vec::new();
    zip::create(
        &mut bomb,
        &target("v1.0.0"),
        &entries,
        None,
        Level::default(),
        |_| Ok(zeros.as_slice()),
    )
    .unwrap();
    assert!(bomb.len() < 100_000);
    let limits = ZipLimits {
        uncompressed_bytes: 1 << 20,
        ..ZipLimits::default()
    };
    assert_refused("a bomb", Reply::ok(bomb), limits).await;
}

/// A good zip with bytes between entries and directory that belong to nobody, as Go accepts it.
pub(crate) fn zip_with_gap() -> Bytes {
    let mut zip = module().zip().to_bytes().to_vec();
    let field = zip.len() - 6..zip.len() - 2;
    let directory = u32::from_le_bytes(zip[field.clone()].try_into().unwrap());
    zip[field].copy_from_slice(&(directory + 5).to_le_bytes());
    let at = usize::try_from(directory).unwrap();
    zip.splice(at..at, *b"gap!!");
    zip.into()
}

#[tokio::test]
async fn a_zip_that_only_makes_sense_from_its_end_is_taken() {
    let zip = zip_with_gap();
    let mut checker = StreamChecker::new(&target("v1.0.0"), ZipLimits::default());
    checker.write(&zip).unwrap();
    assert_eq!(
        checker.finish().unwrap(),
        StreamVerdict::NeedsSeek,
        "the test is about such a zip"
    );
    let directory = tempfile::tempdir().unwrap();
    let storage = Arc::new(DiskStorage::open(directory.path()).unwrap());
    let lab = Lab::over(storage).await;
    lab.upstream.file(ZIP, zip.clone());
    let growing = growing(lab.stasher.as_ref()).await;
    assert_eq!(follow(&growing).await.1.unwrap(), zip);
    assert_eq!(lab.stored(FileKind::Zip).await.unwrap(), zip);
    let h1 = lab.storage.h1(&target("v1.0.0")).await.unwrap().unwrap();
    assert_eq!(h1.to_string(), module().h1());
}

#[tokio::test]
async fn a_damaged_zip_that_only_makes_sense_from_its_end_is_refused() {
    let mut zip = zip_with_gap().to_vec();
    let at = zip.windows(9).position(|w| w == b"package a").unwrap();
    zip[at] ^= 1;
    assert_refused("gap and damage", Reply::ok(zip), ZipLimits::default()).await;
}

#[tokio::test]
async fn a_client_reads_along_while_a_zip_arrives() {
    let lab = Lab::new().await;
    let module = module().file("data", content::Content::random(1 << 20, 4));
    let (zip, gate) = (module.zip(), Gate::new());
    lab.upstream.on(ZIP, Reply::gated_at_end(zip.clone(), 100, &gate));
    let growing = growing(lab.stasher.as_ref()).await;
    assert_eq!(growing.total(), Some(zip.len()));
    gate.reached(1).await;
    let (mut early, mut got) = (growing.follow(), Vec::new());
    while got.len() < usize::try_from(zip.len()).unwrap() - 100 {
        got.extend_from_slice(&early.next().await.unwrap().unwrap());
    }
    assert_eq!(lab.stored(FileKind::Zip).await, None);
    gate.release();
    while let Some(piece) = early.next().await {
        got.extend_from_slice(&piece.unwrap());
    }
    assert_eq!(got, zip.to_bytes());
    assert_eq!(
        follow(&growing).await.1.unwrap(),
        zip.to_bytes(),
        "who comes late reads it all"
    );
    assert_eq!(lab.stored(FileKind::Zip).await.unwrap(), zip.to_bytes());
    let h1 = lab.storage.h1(&target("v1.0.0")).await.unwrap().unwrap();
    assert_eq!(h1.to_string(), module.h1());
}

#[tokio::test]
async fn the_last_byte_is_held_back_until_the_zip_is_stored() {
    for chunked in [false, true] {
        for ending in [Ending::Succeeds, Ending::Fails] {
            let storage = SlowStorage::new(Ending::Waits);
            let lab = Lab::over(Arc::new(storage.clone())).await;
            let zip = module().zip().to_bytes();
            let reply = if chunked {
                Reply::Chunked(zip.clone().into())
            } else {
                Reply::ok(zip.clone())
            };
            lab.upstream.on(ZIP, reply);
            let growing = growing(lab.stasher.as_ref()).await;
            let mut follower = growing.follow();
            storage.reached(1).await;
            let mut got = 0;
            while got < zip.len() - 1 {
                got += follower.next().await.unwrap().unwrap().len();
            }
            assert_eq!(got, zip.len() - 1);
            storage.set(ending);
            let last = follower.next().await.unwrap();
            if ending == Ending::Succeeds {
                assert_eq!(last.unwrap(), zip.slice(zip.len() - 1..));
                assert!(follower.next().await.is_none());
                assert_eq!(
                    stored(lab.storage.as_ref(), &key(FileKind::Zip)).await.unwrap(),
                    zip
                );
            } else {
                assert_eq!(last.unwrap_err().meaning(), Meaning::StorageFull);
                assert_eq!(lab.stored(FileKind::Zip).await, None);
            }
        }
    }
}
