//! A service that fails now and then, or for long.

use std::time::{Duration, Instant};

use stoa_testing::{
    buckets::Troubles, content::Content, fixtures::ModuleFixture, http, process::StoaProcess,
};
use tokio::task::JoinSet;

use crate::stand::{STORAGE, Stand};

fn modules(count: u64) -> Vec<ModuleFixture> {
    let module = |n: u64| {
        let length = [0, 700, 70 << 10, 1 << 20][usize::try_from(n % 4).unwrap()];
        ModuleFixture::new(&format!("example.com/m{n}"), "v1.0.0")
            .file("data.bin", Content::random(length, n))
    };
    (0..count).map(module).collect()
}

/// Every third request is answered 503, every tenth upload is cut, and now and then one hangs: no wrong byte, no file lost,
/// and what is in memory is answered as ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_fails_often_costs_time_and_nothing_else() {
    let stand = Stand::new().await;
    let modules = modules(40);
    stand.upstream.modules(&modules);
    let server = stand.start("a", STORAGE);
    let hot = format!("{}{}", server.url(), modules[0].url_path("mod"));
    assert_eq!(http::get(&hot).await.unwrap().status, 200);
    stand.between.set(Troubles {
        slow_down: 3,
        cut: 10,
        hang: (97, Duration::from_secs(20)),
        ..Troubles::default()
    });
    let mut clients = JoinSet::new();
    for module in modules.clone() {
        clients.spawn(insist(server.url().to_owned(), module));
    }
    let (mut slowest, mut hits) = (Duration::ZERO, 0);
    let mut retries = 0;
    while !clients.is_empty() {
        let began = Instant::now();
        assert_eq!(http::get(&hot).await.unwrap().status, 200);
        slowest = slowest.max(began.elapsed());
        hits += 1;
        while let Some(ended) = clients.try_join_next() {
            retries += ended.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("{hits} hits in memory meanwhile, the slowest {slowest:?}; clients came again {retries} times");
    assert!(
        slowest < Duration::from_secs(1),
        "a hit in memory does not wait: {slowest:?}"
    );
    stand.between.set(Troubles::default());
    let verified = stand.run(&["verify"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
    // A server with nothing in memory finds everything in the bucket.
    let other = stand.start("b", STORAGE);
    stand.upstream.forget_requests();
    for module in &modules {
        let answer = http::get(&format!("{}{}", other.url(), module.url_path("zip")))
            .await
            .unwrap();
        assert!(answer.status == 200 && answer.body == module.zip().to_bytes());
    }
    assert_eq!(stand.upstream.total(), 0, "no file was lost");
}

/// Asks for the files of a module, as a client does that is told to come again. How often it was.
async fn insist(url: String, module: ModuleFixture) -> u32 {
    let mut retries = 0;
    for kind in ["info", "mod", "zip"] {
        let path = format!("{url}{}", module.url_path(kind));
        let want = match kind {
            "info" => module.info().into(),
            "mod" => module.go_mod().into(),
            _ => module.zip(),
        };
        loop {
            let answer = http::get(&path).await.unwrap();
            if answer.status == 200 && answer.is_clean() {
                assert!(answer.body == want.to_bytes(), "{path}");
                break;
            }
            let may_come_again = answer.status == 200 || answer.status == 503;
            assert!(may_come_again, "{path}: {} {}", answer.status, answer.text());
            retries += 1;
            assert!(retries < 20, "{path}: {}", answer.text());
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
    retries
}

/// Away for good: 503 with the reason and never 404, not ready, and it comes back by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_away_is_said_to_be_and_comes_back() {
    let stand = Stand::new().await;
    let modules = modules(3);
    stand.upstream.modules(&modules);
    let server = stand.start("a", STORAGE);
    let path = |n: usize, kind: &str| modules[n].url_path(kind);
    let get = async |path: &str| http::get(&format!("{}{path}", server.url())).await.unwrap();
    assert_eq!(get(&path(0, "zip")).await.status, 200);
    assert_eq!(get("/readyz").await.status, 200);
    stand.between.set(Troubles {
        away: true,
        ..Troubles::default()
    });
    for path in [path(0, "zip"), path(1, "mod"), path(2, "info")] {
        let answer = get(&path).await;
        assert_eq!(answer.status, 503, "{path}: {}", answer.text());
        assert!(
            answer
                .text()
                .contains("the storage of this proxy does not answer"),
            "{}",
            answer.text()
        );
        assert!(answer.header("retry-after").is_some());
    }
    wait_for_readiness(&server, 503).await;
    let said = get("/readyz").await;
    assert!(said.text().contains("does not answer"), "{}", said.text());
    // Nothing of a machine or a bucket is told to clients.
    assert!(
        !said.text().contains("127.0.0.1") && !said.text().contains("modules"),
        "{}",
        said.text()
    );
    // A server starts meanwhile, and is not ready.
    let late = stand.start("b", STORAGE);
    late.wait_for_log("the storage cannot be used until this is mended");
    wait_for_readiness(&late, 503).await;
    stand.between.set(Troubles::default());
    let began = Instant::now();
    wait_for_readiness(&server, 200).await;
    wait_for_readiness(&late, 200).await;
    println!("ready again after {:?}", began.elapsed());
    for module in &modules {
        for server in [&server, &late] {
            let answer = http::get(&format!("{}{}", server.url(), module.url_path("zip")))
                .await
                .unwrap();
            assert!(answer.status == 200 && answer.body == module.zip().to_bytes());
        }
    }
}

async fn wait_for_readiness(server: &StoaProcess, status: u16) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = http::get(&format!("{}/readyz", server.url())).await.unwrap();
        if answer.status == status {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "not {status} in time: {}",
            answer.text()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
