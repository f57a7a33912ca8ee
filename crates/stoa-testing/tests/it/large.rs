//! Bodies that are never in memory.

use std::fs;
use std::process::Command;

use stoa_testing::fixtures::large_zip_fixture;
use stoa_testing::gate::Gate;
use stoa_testing::go::GoClient;
use stoa_testing::http::{BodyEnd, Streaming};
use stoa_testing::reply::Reply;
use stoa_testing::upstream::Upstream;

const MIB: u64 = 1 << 20;

#[tokio::test]
async fn a_huge_generated_body_streams_without_being_held() {
    let before = peak_memory();
    let upstream = Upstream::start().await;
    let fixture = large_zip_fixture("example.com/large", "v1.0.0", 400 * MIB);
    let zip = fixture.zip();
    let gate = Gate::new();
    let path = fixture.url_path("zip");
    upstream
        .module(&fixture)
        .on(&path, Reply::gated_at_end(zip.clone(), 22, &gate));
    let mut streaming = Streaming::open(&format!("{}{path}", upstream.url()), &[])
        .await
        .unwrap();
    gate.release();
    let digest = streaming.digest().await.unwrap();
    assert_eq!((digest.len, digest.end), (400 * MIB, BodyEnd::Clean));
    assert_eq!(digest.sha256, zip.sha256());
    let grown = peak_memory() - before;
    // Tests that run beside this one have their share in the growth.
    assert!(grown < 200 * MIB, "the process grew by {grown} bytes");
}

#[tokio::test]
async fn sized_replies_depend_on_their_seed() {
    let upstream = Upstream::start().await;
    upstream
        .on("/1", Reply::Sized { len: MIB, seed: 1 })
        .on("/2", Reply::Sized { len: MIB, seed: 2 });
    let mut digests = Vec::new();
    for path in ["/1", "/1", "/2"] {
        let mut streaming = Streaming::open(&format!("{}{path}", upstream.url()), &[])
            .await
            .unwrap();
        digests.push(streaming.digest().await.unwrap());
    }
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0].sha256, digests[2].sha256);
}

#[test]
fn a_large_zip_is_a_valid_module_and_a_valid_archive() {
    let upstream = Upstream::start_blocking();
    let fixture = large_zip_fixture("example.com/large", "v1.0.0", 20 * MIB);
    assert_eq!(fixture.zip().len(), 20 * MIB);
    upstream.module(&fixture);
    let go = GoClient::new(&upstream.url());
    let output = go
        .run(&["mod", "download", "-json", "example.com/large@v1.0.0"])
        .expect_success();
    let json: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(json["Sum"], fixture.h1());
    assert_eq!(json["GoModSum"], fixture.go_mod_h1());

    let file = go.directory().join("large.zip");
    fs::write(&file, fixture.zip().to_bytes()).unwrap();
    let listed = Command::new("python3")
        .args(["-m", "zipfile", "-t"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(listed.status.success(), "{listed:?}");
}

fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
