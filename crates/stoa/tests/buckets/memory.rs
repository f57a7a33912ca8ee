//! How much memory and how many requests a bucket costs.

use std::time::{Duration, Instant};

use stoa_testing::{
    buckets::Between,
    fixtures::{ModuleFixture, large_zip_fixture},
    http,
};
use tokio::task::JoinSet;

use crate::stand::{STORAGE, Stand};

const MIB: u64 = 1 << 20;

/// Ten clients on a zip of 499 MiB that is in the bucket, and its way there: no more than 64 MiB above idle.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_zip_passes_through_little_memory() {
    let stand = Stand::new().await;
    let module = large_zip_fixture("example.com/large", "v1.0.0", 499 * MIB);
    stand.upstream.module(&module);
    let (path, sum) = (module.url_path("zip"), module.zip().sha256());
    let cold = stand.start("a", STORAGE);
    let idle = cold.rss_bytes();
    assert_eq!(digest(format!("{}{path}", cold.url())).await, sum);
    let peak = cold.peak_rss_bytes() - idle;
    println!("cold, 1 client: {} MiB above idle", peak / MIB);
    assert!(peak < 64 * MIB, "{} MiB", peak / MIB);
    drop(cold);
    let warm = stand.start("b", STORAGE);
    let idle = warm.rss_bytes();
    let mut clients = JoinSet::new();
    for _ in 0..10 {
        let url = format!("{}{path}", warm.url());
        clients.spawn(digest(url));
    }
    for found in clients.join_all().await {
        assert_eq!(found, sum);
    }
    let peak = warm.peak_rss_bytes() - idle;
    println!("from the bucket, 10 clients: {} MiB above idle", peak / MIB);
    assert!(peak < 64 * MIB, "{} MiB", peak / MIB);
    assert_eq!(stand.upstream.count(&path), 1);
}

/// The SHA-256 of what a server answers.
async fn digest(url: String) -> String {
    let mut answer = http::Streaming::open(&url, &[]).await.unwrap();
    assert_eq!(answer.status, 200, "{url}");
    let digest = answer.digest().await.unwrap();
    assert_eq!(digest.end, http::BodyEnd::Clean, "{url}");
    digest.sha256
}

/// A hit costs no request when it is in memory and one when it is not; a list that is remembered costs none; and a
/// directory before the bucket answers without it.
#[tokio::test(flavor = "multi_thread")]
async fn a_hit_costs_at_most_one_request() {
    let stand = Stand::new().await;
    let versions: Vec<_> = (0..100)
        .map(|n| ModuleFixture::new("example.com/a", &format!("v1.{n}.0")).file("a.go", "package a\n"))
        .chain([large_zip_fixture("example.com/a", "v2.0.0+incompatible", 3 * MIB)])
        .collect();
    stand.upstream.modules(&versions);
    let filler = stand.start("filler", STORAGE);
    for module in &versions {
        for kind in ["info", "mod", "zip"] {
            let url = format!("{}{}", filler.url(), module.url_path(kind));
            assert_eq!(http::get(&url).await.unwrap().status, 200);
        }
    }
    drop(filler);
    let front = format!("file://{}?max=1GiB,{STORAGE}", stand.path("front").display());
    for (name, storage, again) in [("a", STORAGE, 1), ("b", front.as_str(), 0)] {
        // An index that is made anew lists the bucket beside all that.
        let server = stand.start_with(name, storage, &[("STOA_INDEX_STORE", "none")]);
        settle(&server, &stand.between).await;
        let cost = async |path: &str| {
            let answer = http::get(&format!("{}{path}", server.url())).await.unwrap();
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            stand.between.requests()
        };
        let small = &versions[7];
        for kind in ["info", "mod", "zip"] {
            let path = small.url_path(kind);
            let first = cost(&path).await;
            assert_eq!(first.len(), 1, "{name}: the first hit of {kind}: {first:?}");
            assert_eq!(cost(&path).await, [""; 0], "{name}: {kind} is in memory");
        }
        let large = versions[100].url_path("zip");
        assert_eq!(
            cost(&large).await.len(),
            1,
            "{name}: the first hit of a large zip"
        );
        if name == "b" {
            // What passed by is kept behind the client's back.
            let kept = stand.path(&format!("front{large}"));
            let deadline = Instant::now() + Duration::from_secs(10);
            while !kept.try_exists().unwrap() {
                assert!(Instant::now() < deadline, "{} is not kept", kept.display());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        assert_eq!(cost(&large).await.len(), again, "{name}: the second");
        let list = "/example.com/a/@v/list";
        let first = cost(list).await;
        println!(
            "{name}: a list of {} versions costs {} requests, and then none",
            versions.len(),
            first.len()
        );
        assert_eq!(cost(list).await, [""; 0], "{name}: a list that is remembered");
    }
}

/// With `redirect_above` a large zip is the bucket's to send, and a small one is not.
#[tokio::test(flavor = "multi_thread")]
async fn clients_are_led_to_large_zips() {
    let stand = Stand::new().await;
    let small = ModuleFixture::new("example.com/small", "v1.0.0").file("a.go", "package a\n");
    let large = large_zip_fixture("example.com/large", "v1.0.0", 3 * MIB);
    stand.upstream.modules([&small, &large]);
    let setting = [("STOA_STORAGE_OPTIONS_REDIRECT_ABOVE", "1MiB")];
    let server = stand.start_with("a", STORAGE, &setting);
    let get = async |module: &ModuleFixture| {
        let url = format!("{}{}", server.url(), module.url_path("zip"));
        http::get(&url).await.unwrap()
    };
    for module in [&small, &large] {
        let cold = get(module).await;
        assert!(
            cold.status == 200 && cold.body == module.zip().to_bytes(),
            "what arrives is sent"
        );
    }
    assert_eq!(get(&small).await.status, 200);
    let led = get(&large).await;
    assert_eq!((led.status, led.header("cache-control")), (302, Some("no-store")));
    let link = led.header("location").unwrap();
    assert!(link.starts_with(&stand.between.endpoint()), "{link}");
    let answer = http::get(link).await.unwrap();
    assert!(answer.status == 200 && answer.body == large.zip().to_bytes());
    assert!(
        !server.output().contains("X-Amz-Signature"),
        "a link is no line of the log"
    );
}

/// Lets the requests of the start pass.
async fn settle(server: &stoa_testing::process::StoaProcess, between: &Between) {
    let ready = http::get(&format!("{}/readyz", server.url())).await.unwrap();
    assert_eq!(ready.status, 200, "{}", ready.text());
    let _ = between.requests();
}
