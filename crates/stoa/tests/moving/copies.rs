//! `stoa storage copy`.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use stoa_testing::{buckets::Moto, process::run};

use crate::{
    STOA,
    scene::{Layout, Modules, Scene, files, module, read, write},
};

/// A storage with modules that were taken over, and the scene around it.
fn filled(modules: &[stoa_testing::fixtures::ModuleFixture]) -> Scene {
    let scene = Scene::new();
    let tree = scene.directory.path().join("tree");
    for module in modules {
        write(&tree, &files(module, Layout::Goproxy));
    }
    let done = scene.import(&["goproxy", tree.to_str().unwrap()], &[]);
    assert_eq!(done.code, Some(0), "{done:?}");
    scene
}

/// All files of modules below a directory, and their content.
fn contents(root: &Path) -> Vec<(String, Vec<u8>)> {
    fn walk(root: &Path, at: &Path, found: &mut Vec<(String, Vec<u8>)>) {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if name.starts_with(".stoa") {
            } else if path.is_dir() {
                walk(root, &path, found);
            } else {
                found.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(root, root, &mut found);
    found.sort();
    found
}

fn copy(from: &str, to: &str, environment: &[(&str, &str)]) -> stoa_testing::process::Finished {
    let arguments = ["storage", "copy", "--from", from, "--to", to, "--json", "--quiet"];
    let home = [("STOA_STORAGE", "memory:")];
    run(STOA, &arguments, &[&home[..], environment].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_goes_into_a_bucket_and_back_byte_for_byte() {
    let modules = Modules::new(Layout::Goproxy).good;
    let scene = filled(&modules);
    let moto = Moto::start();
    moto.create("copy");
    let (secret, endpoint) = (scene.secret("secret"), moto.endpoint());
    let staging = scene.directory.path().join("staging");
    let environment = [
        ("STOA_STORAGE_OPTIONS_ENDPOINT", endpoint.as_str()),
        ("STOA_STORAGE_OPTIONS_ALLOW_HTTP", "true"),
        ("STOA_STORAGE_OPTIONS_ACCESS_KEY_ID", "key"),
        ("STOA_STORAGE_OPTIONS_SECRET_KEY_FILE", secret.as_str()),
        ("STOA_STORAGE_OPTIONS_STAGING", staging.to_str().unwrap()),
    ];
    let back = scene.directory.path().join("back");
    let wanted = 3 * modules.len() as u64;
    for (from, to) in [
        (scene.storage().as_str(), "s3://copy/go"),
        ("s3://copy/go", back.to_str().unwrap()),
    ] {
        let first = copy(from, to, &environment);
        assert_eq!(first.code, Some(0), "{first:?}");
        assert_eq!(read(&first).1["imported"], wanted, "{first:?}");
        let second = copy(from, to, &environment);
        let report = read(&second).1;
        assert_eq!(
            (&report["imported"], &report["present"]),
            (&0.into(), &wanted.into()),
            "{second:?}"
        );
    }
    let (first, last) = (contents(Path::new(&scene.storage())), contents(&back));
    assert_eq!(first.len(), 4 * modules.len());
    assert!(first == last);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_zip_is_named_and_not_copied() {
    let modules: Vec<_> = (0..3)
        .map(|n| module(&format!("example.com/m{n}"), "v1.0.0"))
        .collect();
    let scene = filled(&modules);
    let from = scene.storage();
    // Another zip of the same version, good in itself: only the recorded hash tells.
    let other = module("example.com/m1", "v1.0.0").file("b.go", "package a\n");
    let place = Path::new(&from).join("example.com/m1/@v/v1.0.0.zip");
    fs::remove_file(&place).unwrap();
    fs::write(&place, other.zip().to_bytes()).unwrap();
    let to = scene.directory.path().join("to");
    let done = copy(&from, to.to_str().unwrap(), &[]);
    assert_eq!(done.code, Some(1), "{done:?}");
    let (findings, report) = read(&done);
    assert_eq!(report["bad"], 1, "{done:?}");
    assert_eq!(findings[0]["file"], "example.com/m1/@v/v1.0.0.zip");
    assert!(
        findings[0]["reason"].as_str().unwrap().contains("is recorded"),
        "{findings:?}"
    );
    assert!(!to.join("example.com/m1/@v/v1.0.0.zip").is_file());
    assert!(to.join("example.com/m2/@v/v1.0.0.zip").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_killed_goes_on() {
    let seed = stoa_testing::go::environment("STOA_SEED").and_then(|seed| seed.parse().ok());
    let mut random: u64 = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("STOA_SEED={random}");
    let modules: Vec<_> = (0..150)
        .map(|n| module(&format!("example.com/m{n}"), "v1.0.0"))
        .collect();
    let scene = filled(&modules);
    let (from, to) = (scene.storage(), scene.directory.path().join("to"));
    for _ in 0..10 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mut child = Command::new(STOA)
            .args([
                "storage",
                "copy",
                "--from",
                &from,
                "--to",
                to.to_str().unwrap(),
                "--quiet",
            ])
            .env_clear()
            .env("STOA_STORAGE", "memory:")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(20 + (random >> 33) % 150)).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let rest = copy(&from, to.to_str().unwrap(), &[]);
    assert_eq!(rest.code, Some(0), "{rest:?}");
    // A zip whose writer died before it recorded the hash has none.
    let zips = |root: &Path| {
        let all = contents(root).into_iter();
        all.filter(|(name, _)| Path::new(name).extension().is_none_or(|end| end != "ziphash"))
            .collect::<Vec<_>>()
    };
    assert!(zips(Path::new(&from)) == zips(&to));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_said() {
    let scene = filled(&[module("example.com/m", "v1.0.0")]);
    let from = scene.storage();
    for (source, target, code, said) in [
        (from.as_str(), "memory:", 64, "gone when the command ends"),
        (&from, &from, 64, "the same one"),
        (&from, "ftp://host/x", 64, "ftp"),
        ("/nowhere/at/all", "/tmp/never-made-by-stoa", 1, "nowhere"),
    ] {
        let done = copy(source, target, &[]);
        assert_eq!(done.code, Some(code), "{target}: {done:?}");
        assert!(done.stderr.contains(said), "{target}: {done:?}");
    }
}
