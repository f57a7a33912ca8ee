//! Damage in storage: found, counted, repaired.

use std::{fs, path::PathBuf, sync::Arc};

use stoa_module::zip::ZipLimits;
use stoa_proxy::{Finding, Problem, Repair, Stasher, Verifier, VerifyReport};
use stoa_storage::{DiskStorage, FileKind};
use tempfile::TempDir;

use crate::{
    lab::{Lab, go_mod, info, key, module, settle, zip},
    zips::zip_of,
};

/// A version stored whole, on disk.
struct Stored {
    lab: Lab,
    directory: TempDir,
}

async fn stored() -> Stored {
    let directory = tempfile::tempdir().unwrap();
    let storage = Arc::new(DiskStorage::open(directory.path()).unwrap());
    let lab = Lab::over(storage).await;
    lab.upstream.module(&module());
    for resource in [info(), go_mod(), zip()] {
        lab.get(&resource).await.unwrap();
    }
    settle(&lab.tasks).await;
    Stored { lab, directory }
}

impl Stored {
    fn file(&self, kind: FileKind) -> PathBuf {
        self.directory.path().join(key(kind).to_string())
    }

    fn damage(&self, kind: FileKind, change: impl FnOnce(&mut Vec<u8>)) {
        let mut content = fs::read(self.file(kind)).unwrap();
        change(&mut content);
        fs::write(self.file(kind), content).unwrap();
    }

    async fn verify(&self, repair: bool) -> (VerifyReport, Vec<Finding>) {
        let stasher: Option<Arc<dyn Stasher>> = repair.then(|| Arc::clone(&self.lab.stasher));
        let verifier = Verifier::new(Arc::clone(&self.lab.storage), ZipLimits::default(), stasher, 2);
        let (mut findings, mut told) = (Vec::new(), 0);
        let report = verifier
            .run(|_| told += 1, |finding| findings.push(finding.clone()))
            .await
            .unwrap();
        assert_eq!(report.bad, findings.len() as u64);
        assert_eq!(told, report.versions);
        (report, findings)
    }

    async fn one(&self, repair: bool) -> Finding {
        let (_, findings) = self.verify(repair).await;
        let [finding] = findings.try_into().expect("one damaged file");
        finding
    }

    async fn assert_good(&self) {
        let (report, findings) = self.verify(false).await;
        assert_eq!(findings, []);
        assert_eq!((report.bad, report.files), (0, 3));
        assert_eq!(self.lab.stored(FileKind::Info).await.unwrap(), module().info());
        assert_eq!(self.lab.stored(FileKind::Mod).await.unwrap(), module().go_mod());
        assert_eq!(
            self.lab.stored(FileKind::Zip).await.unwrap(),
            module().zip().to_bytes()
        );
    }
}

fn flip(content: &mut [u8]) {
    let at = content.windows(9).position(|w| w == b"package a").unwrap();
    content[at] ^= 1;
}

#[tokio::test]
async fn a_good_storage_has_no_findings() {
    let stored = stored().await;
    let (report, findings) = stored.verify(false).await;
    let module = module();
    let bytes = module.info().len() + module.go_mod().len() + module.zip().to_bytes().len();
    let want = VerifyReport {
        modules: 1,
        versions: 1,
        files: 3,
        bytes: bytes as u64,
        ..VerifyReport::default()
    };
    assert_eq!((report, findings), (want, Vec::new()));
}

#[tokio::test]
async fn every_kind_of_damage_is_found_and_left_alone_without_repair() {
    let stored = stored().await;
    stored.damage(FileKind::Zip, |zip| flip(zip));
    let finding = stored.one(false).await;
    assert_eq!(
        (finding.file, finding.repair),
        (key(FileKind::Zip), Repair::NotTried)
    );
    assert!(
        matches!(finding.problem, Problem::BadZip(_)),
        "{:?}",
        finding.problem
    );

    stored.damage(FileKind::Zip, |zip| zip.truncate(100));
    assert!(matches!(stored.one(false).await.problem, Problem::BadZip(_)));

    let other = zip_of(&[("example.com/a@v1.0.0/other.go", "package other\n")]);
    stored.damage(FileKind::Zip, |zip| *zip = other);
    let problem = stored.one(false).await.problem;
    let Problem::OtherHash { recorded, actual } = problem else {
        panic!("{problem:?}")
    };
    assert_eq!(recorded.to_string(), module().h1());
    assert_ne!(actual, recorded);

    stored.damage(FileKind::Zip, |zip| *zip = module().zip().to_bytes().to_vec());
    stored.damage(FileKind::Mod, |text| text.truncate(10));
    stored.damage(FileKind::Info, |text| *text = b"\0\0\0".to_vec());
    let (report, findings) = stored.verify(false).await;
    assert_eq!((report.bad, report.restored), (2, 0));
    assert!(matches!(findings[0].problem, Problem::BadInfo(_)));
    let Problem::OtherGoMod { in_zip, .. } = &findings[1].problem else {
        panic!("{:?}", findings[1]);
    };
    assert_eq!(in_zip.to_string(), module().go_mod_h1());
    assert_eq!(stored.verify(false).await.0.bad, 2, "nothing was done about it");
}

#[tokio::test]
async fn repair_brings_every_file_back() {
    let stored = stored().await;
    stored.damage(FileKind::Zip, |zip| flip(zip));
    stored.damage(FileKind::Info, |text| *text = b"<html>".to_vec());
    let (report, findings) = stored.verify(true).await;
    assert_eq!((report.bad, report.restored), (2, 2));
    assert!(findings.iter().all(|finding| finding.repair == Repair::Restored));
    stored.assert_good().await;
    stored.damage(FileKind::Mod, |text| text.truncate(3));
    assert_eq!(stored.one(true).await.repair, Repair::Restored);
    stored.assert_good().await;
    let put_aside = crate::lab::tree(&stored.directory.path().join(".stoa/quarantine"));
    assert!(put_aside.len() >= 3, "{put_aside:?}");
}

#[tokio::test]
async fn a_zip_that_the_source_has_changed_is_served_by_nobody() {
    let stored = stored().await;
    let changed = module().file("new.go", "package a // changed\n");
    stored.lab.upstream.module(&changed);
    stored.damage(FileKind::Zip, |zip| flip(zip));
    let Repair::Drifted { now } = stored.one(true).await.repair else {
        panic!("drifted")
    };
    assert_eq!(now.to_string(), changed.h1());
    assert_eq!(stored.lab.stored(FileKind::Zip).await, None);
    assert_eq!(stored.verify(true).await.0.bad, 0);
}

#[tokio::test]
async fn a_go_mod_that_the_source_has_changed_is_served_by_nobody() {
    let stored = stored().await;
    let other = "module example.com/a\n\ngo 1.99\n";
    stored.lab.upstream.file(&module().url_path("mod"), other);
    stored.damage(FileKind::Mod, |text| text.truncate(10));
    let Repair::Drifted { now } = stored.one(true).await.repair else {
        panic!("drifted")
    };
    assert_eq!(now, stoa_module::dirhash::go_mod_h1(other.as_bytes()));
    assert_eq!(stored.lab.stored(FileKind::Mod).await, None);
    assert_eq!(
        stored.lab.stored(FileKind::Zip).await.unwrap(),
        module().zip().to_bytes()
    );
}

#[tokio::test]
async fn a_source_that_is_down_fails_the_repair_and_the_next_client_brings_it_back() {
    let stored = stored().await;
    stored.lab.upstream.kill();
    for kind in FileKind::ALL {
        stored.damage(kind, |content| content.truncate(12));
    }
    let (report, findings) = stored.verify(true).await;
    // The go.mod has nothing to be compared with while its zip is damaged.
    assert_eq!((report.bad, report.restored), (2, 0));
    for finding in findings {
        assert!(
            matches!(&finding.repair, Repair::Failed(reason) if reason.contains("unreachable")),
            "{finding:?}"
        );
        assert_eq!(stored.lab.stored(finding.file.kind).await, None);
    }
    stored.lab.upstream.restart_same_port();
    assert_eq!(stored.lab.get(&zip()).await.unwrap(), module().zip().to_bytes());
    assert_eq!(stored.lab.get(&info()).await.unwrap(), module().info());
}

#[tokio::test]
async fn a_good_zip_without_a_recorded_hash_is_counted_and_no_damage() {
    let lab = Lab::new().await;
    let zip = module().zip().to_bytes();
    lab.storage.put(&key(FileKind::Zip), zip).await.unwrap();
    let verifier = Verifier::new(Arc::clone(&lab.storage), ZipLimits::default(), None, 1);
    let report = verifier.run(|_| (), |_| ()).await.unwrap();
    assert_eq!((report.unrecorded, report.bad), (1, 0));
}
