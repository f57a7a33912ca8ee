//! Two servers and one bucket, and nothing else between them.

use std::{sync::Arc, time::Duration};

use stoa_testing::{
    buckets::Troubles,
    content::Content,
    fixtures::{ModuleFixture, large_zip_fixture},
    http,
};
use tokio::task::JoinSet;

use crate::stand::{STORAGE, Stand};

/// 200 requests for one cold zip on both: equal bytes, at most two fetches, one object.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_without_a_registry_keep_one_object() {
    let stand = Stand::new().await;
    let module = large_zip_fixture("example.com/a", "v1.0.0", 4 << 20);
    stand.upstream.module(&module);
    let servers = [stand.start("a", STORAGE), stand.start("b", STORAGE)];
    let (path, want) = (module.url_path("zip"), Arc::new(module.zip().to_bytes()));
    let mut clients = JoinSet::new();
    for n in 0..200 {
        let (url, want) = (format!("{}{path}", servers[n % 2].url()), Arc::clone(&want));
        clients.spawn(async move {
            let answer = http::get(&url).await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(answer.is_clean() && answer.body == *want, "the very bytes");
            answer.header("etag").map(str::to_owned)
        });
    }
    let tags = clients.join_all().await;
    let fetches = stand.upstream.count(&path);
    assert!((1..=2).contains(&fetches), "{fetches} fetches");
    println!(
        "200 clients of two servers: {fetches} upstream fetches, {} entity tags",
        tags.len()
    );
    // What is stored is one object, and both serve it.
    for server in &servers {
        let answer = http::get(&format!("{}{path}", server.url())).await.unwrap();
        assert!(answer.status == 200 && answer.body == *want);
    }
    assert_eq!(stand.upstream.count(&path), fetches, "it is stored");
    let verified = stand.run(&["verify"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
    assert!(verified.stdout.contains("1 version"), "{}", verified.stdout);
}

/// kill -9 at random moments of a cold load: what is in the bucket is sound.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_leaves_nothing_bad_in_the_bucket() {
    const KILLS: u64 = 30;
    let seed = seed();
    let stand = Stand::new().await;
    let modules: Vec<_> = (0..60_u64)
        .map(|n| {
            let length = [0, 700, 65 << 10, 300 << 10, 2 << 20][usize::try_from(n % 5).unwrap()];
            ModuleFixture::new(&format!("example.com/m{n}"), "v1.0.0")
                .file("data.bin", Content::random(length, n))
        })
        .collect();
    stand.upstream.modules(&modules);
    let other = stand.start("b", STORAGE);
    let mut state = seed;
    let mut random = move |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for kill in 0..KILLS {
        let mut server = stand.start("a", STORAGE);
        let mut clients = JoinSet::new();
        for n in 0..6_u64 {
            let module = &modules[usize::try_from((kill * 7 + n * 11) % 60).unwrap()];
            let url = if n == 5 { other.url() } else { server.url() };
            let paths = ["info", "mod", "zip"].map(|kind| (kind, format!("{url}{}", module.url_path(kind))));
            let want = module.zip().to_bytes();
            clients.spawn(async move {
                for (kind, path) in paths {
                    // The server may be gone.
                    let Ok(answer) = http::get(&path).await else {
                        return;
                    };
                    if kind == "zip" && answer.status == 200 && answer.is_clean() {
                        assert!(answer.body == want, "{path}");
                    }
                }
            });
        }
        tokio::time::sleep(Duration::from_millis(random(400))).await;
        server.kill9();
        clients.join_all().await;
    }
    let verified = stand.run(&["verify"]);
    println!("after {KILLS} kills: {}", verified.stdout.trim());
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
    assert!(
        verified.stdout.contains(" 0 bad") || verified.stdout.contains("0 are bad"),
        "{}",
        verified.stdout
    );
    // And everything can be had.
    for module in &modules {
        let answer = http::get(&format!("{}{}", other.url(), module.url_path("zip")))
            .await
            .unwrap();
        assert!(answer.status == 200 && answer.body == module.zip().to_bytes());
    }
}

#[expect(clippy::disallowed_methods, reason = "a test may be told what to do again")]
fn seed() -> u64 {
    let seed = std::env::var("STOA_SEED").map_or(1, |seed| seed.parse().unwrap());
    println!("STOA_SEED={seed}");
    seed
}

/// A service that ignores conditions is found out at the start, and said.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_ignores_conditions_is_found_out() {
    let stand = Stand::new().await;
    stand.between.set(Troubles {
        ignores_conditions: true,
        ..Troubles::default()
    });
    let module = ModuleFixture::new("example.com/a", "v1.0.0").file("a.go", "package a\n");
    stand.upstream.module(&module);
    let server = stand.start("a", STORAGE);
    server.wait_for_log("the service ignores conditions of writes");
    let answer = http::get(&format!("{}{}", server.url(), module.url_path("zip")))
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    let again = stand.start("b", STORAGE);
    let answer = http::get(&format!("{}{}", again.url(), module.url_path("zip")))
        .await
        .unwrap();
    assert!(answer.status == 200 && answer.body == module.zip().to_bytes());
    assert_eq!(stand.upstream.count(&module.url_path("zip")), 1);
}
