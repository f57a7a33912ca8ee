//! Trees in each layout.

use std::fs;

use stoa_testing::{
    buckets::{Azurite, Moto},
    http,
    process::run,
};

use crate::{
    STOA,
    scene::{Layout, Modules, Scene, files, module, read, write},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_of_an_athens() {
    let (scene, modules) = (Scene::new(), Modules::new(Layout::Disk));
    let athens = scene.directory.path().join("athens");
    write(&athens, &modules.files(Layout::Disk));
    // What a crash or a person has left beside.
    write(
        &athens,
        &[(
            "example.com/m/v1.99.0/go.mod".to_owned(),
            b"module example.com/m\n".to_vec(),
        )],
    );
    fs::create_dir_all(athens.join("example.com/m/v1.98.0")).unwrap();
    fs::remove_dir_all(athens.join("example.com/m/v1.99.0")).unwrap();
    scene
        .takes_over(&["athens", athens.to_str().unwrap()], &[], &modules)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trees_of_a_goproxy_and_of_the_go_command() {
    for (kind, below) in [
        ("goproxy", ""),
        ("gomodcache", "cache/download"),
        ("dir", "some/where/below"),
    ] {
        let (scene, modules) = (Scene::new(), Modules::new(Layout::Goproxy));
        let tree = scene.directory.path().join("tree");
        write(&tree.join(below), &modules.files(Layout::Goproxy));
        fs::write(tree.join(below).join("example.com/m/@v/list"), "v1.0.0\n").unwrap();
        scene
            .takes_over(&[kind, tree.to_str().unwrap()], &[], &modules)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_with_other_content_stays_and_is_named() {
    let scene = Scene::new();
    let tree = scene.directory.path().join("tree");
    let ours = module("example.com/m", "v1.0.0");
    write(&tree, &files(&ours, Layout::Goproxy));
    let first = scene.import(&["goproxy", tree.to_str().unwrap()], &[]);
    assert_eq!(first.code, Some(0), "{first:?}");
    let theirs = module("example.com/m", "v1.0.0").file("b.go", "package a\n");
    write(&tree, &files(&theirs, Layout::Goproxy));
    let second = scene.import(&["goproxy", tree.to_str().unwrap()], &[]);
    assert_eq!(second.code, Some(1), "{second:?}");
    let (findings, report) = read(&second);
    assert_eq!(report["different"], 1);
    assert_eq!(findings[0]["verdict"], "different");
    let stored = fs::read(scene.directory.path().join("storage/example.com/m/@v/v1.0.0.zip")).unwrap();
    assert!(stored == ours.zip().to_bytes());
}

/// Puts files into a bucket, as whoever has the right to.
async fn put(base: &str, signature: &str, files: &[(String, Vec<u8>)]) {
    for (name, content) in files {
        let url = format!("{base}/{}{signature}", name.replace('+', "%2B"));
        let headers = [("x-ms-blob-type", "BlockBlob")];
        let answer = http::request("PUT", &url, &headers, content).await.unwrap();
        assert!([200, 201].contains(&answer.status), "{url}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_buckets_of_an_athens() {
    let moto = Moto::start();
    for (bucket, layout) in [("athens", Layout::Bucket), ("minio", Layout::Disk)] {
        let (scene, modules) = (Scene::new(), Modules::new(layout));
        moto.create(bucket);
        let base = format!("{}/{bucket}", moto.endpoint());
        put(&base, "", &modules.files(layout)).await;
        // Parts that a MinIO of Athens has left.
        put(
            &base,
            "",
            &[("parts/example.com/m/v1.0.0/1".to_owned(), b"x".to_vec())],
        )
        .await;
        let secret = scene.secret("secret");
        let endpoint = moto.endpoint();
        let environment = [
            ("STOA_STORAGE_OPTIONS_ENDPOINT", endpoint.as_str()),
            ("STOA_STORAGE_OPTIONS_ALLOW_HTTP", "true"),
            ("STOA_STORAGE_OPTIONS_ACCESS_KEY_ID", "key"),
            ("STOA_STORAGE_OPTIONS_SECRET_KEY_FILE", secret.as_str()),
        ];
        scene
            .takes_over(&["athens", &format!("s3://{bucket}")], &environment, &modules)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_container_of_an_athens() {
    let azurite = Azurite::start();
    let (scene, modules) = (Scene::new(), Modules::new(Layout::Bucket));
    azurite.create("athens");
    let signature = format!("?{}", azurite.signature("athens", "2090-01-01T00:00:00Z"));
    let base = format!("{}/athens", azurite.endpoint());
    put(&base, &signature, &modules.files(Layout::Bucket)).await;
    put(
        &base,
        &signature,
        &[("lease/example.com/m@v1.0.0".to_owned(), b"x".to_vec())],
    )
    .await;
    let secret = scene.secret(Azurite::KEY);
    let endpoint = azurite.endpoint();
    let environment = [
        ("STOA_STORAGE_OPTIONS_ENDPOINT", endpoint.as_str()),
        ("STOA_STORAGE_OPTIONS_ALLOW_HTTP", "true"),
        ("STOA_STORAGE_OPTIONS_ACCESS_KEY_ID", Azurite::ACCOUNT),
        ("STOA_STORAGE_OPTIONS_SECRET_KEY_FILE", secret.as_str()),
    ];
    scene
        .takes_over(&["athens", "az://athens"], &environment, &modules)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_source_is_said() {
    let scene = Scene::new();
    let storage = scene.storage();
    for (source, code, said) in [
        ("/nowhere/at/all", 1, "there is no such directory"),
        ("memory:", 64, "nothing in it to take over"),
        ("ftp://host/x", 64, "ftp"),
        ("http://127.0.0.1:9/", 69, "unreachable"),
    ] {
        let done = run(
            STOA,
            &["import", "athens", source, "--quiet", "--storage", &storage],
            &[("STOA_UPSTREAM", "off"), ("STOA_DISPATCH_RETRIES", "0")],
        );
        assert_eq!(done.code, Some(code), "{source}: {done:?}");
        assert!(done.stderr.contains(said), "{source}: {done:?}");
    }
}
