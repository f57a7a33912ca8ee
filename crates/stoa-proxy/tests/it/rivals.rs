//! Another process stores the same version while a zip arrives: the first content stays.

use std::sync::Arc;

use bytes::Bytes;
use stoa_module::zip::{self, ZipLimits};
use stoa_proxy::{Growing, Meaning};
use stoa_storage::{DiskStorage, FileKind, Put, Storage};
use stoa_testing::{gate::Gate, reply::Reply};
use tempfile::TempDir;

use crate::{
    lab::{Lab, follow, key, module, stored, target},
    zips::{growing, zip_of, zip_with_gap},
};

/// A zip that has all but arrived, and the storage as another process sees it.
struct Race {
    lab: Lab,
    rival: DiskStorage,
    gate: Gate,
    growing: Growing,
    _directory: TempDir,
}

async fn race() -> Race {
    let directory = tempfile::tempdir().unwrap();
    let storage = Arc::new(DiskStorage::open(directory.path()).unwrap());
    let rival = DiskStorage::open(directory.path()).unwrap();
    let lab = Lab::over(storage).await;
    let gate = Gate::new();
    lab.upstream.on(
        "/example.com/a/@v/v1.0.0.zip",
        Reply::gated_at_end(module().zip(), 5, &gate),
    );
    let growing = growing(lab.stasher.as_ref()).await;
    gate.reached(1).await;
    Race {
        lab,
        rival,
        gate,
        growing,
        _directory: directory,
    }
}

impl Race {
    async fn store(&self, content: &Bytes, with_hash: bool) {
        let target = target("v1.0.0");
        let summary = zip::check(std::io::Cursor::new(content), &target, &ZipLimits::default()).unwrap();
        let mut stage = self.rival.stage(&key(FileKind::Zip)).await.unwrap();
        stage.write(content.clone()).await.unwrap();
        let put = stage.commit(with_hash.then_some(&summary.h1)).await.unwrap();
        assert_eq!(put, Put::Stored);
    }

    async fn assert_kept(&self, content: &Bytes) {
        let kept = stored(&self.rival, &key(FileKind::Zip)).await.unwrap();
        assert_eq!(kept, content);
        assert_eq!(self.lab.stored(FileKind::Zip).await.unwrap(), content);
    }
}

fn other() -> Bytes {
    zip_of(&[("example.com/a@v1.0.0/other.go", "package other\n")]).into()
}

#[tokio::test]
async fn clients_of_other_content_are_cut_and_the_first_stays() {
    let race = race().await;
    race.store(&other(), true).await;
    race.gate.release();
    let (read, end) = follow(&race.growing).await;
    assert!(read < module().zip().to_bytes().len());
    assert_eq!(end.unwrap_err().meaning(), Meaning::BadUpstream);
    race.assert_kept(&other()).await;
}

#[tokio::test]
async fn clients_of_other_content_are_cut_also_if_the_first_has_no_hash_yet() {
    let race = race().await;
    race.store(&other(), false).await;
    race.gate.release();
    let (_, end) = follow(&race.growing).await;
    assert_eq!(end.unwrap_err().meaning(), Meaning::BadUpstream);
    race.assert_kept(&other()).await;
}

#[tokio::test]
async fn the_same_content_from_two_processes_is_good() {
    for (content, with_hash) in [
        (module().zip().to_bytes(), true),
        (module().zip().to_bytes(), false),
        // The same files in another archive.
        (zip_with_gap(), true),
        (zip_with_gap(), false),
    ] {
        let race = race().await;
        race.store(&content, with_hash).await;
        race.gate.release();
        follow(&race.growing).await.1.unwrap();
        race.assert_kept(&content).await;
    }
}
