//! Many who ask for the same cost the database one question.

use std::collections::BTreeMap;
use std::sync::Arc;

use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::http;
use tokio::task::JoinSet;

use crate::support::{Stand, lookup};

const MODULES: usize = 200;
const LOOKUPS: usize = 1_000;

fn assert_each_path_once(stand: &Stand) {
    let mut counts = BTreeMap::new();
    for path in stand.database.requests() {
        *counts.entry(path).or_insert(0) += 1;
    }
    let more: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(more.is_empty(), "asked for more than once: {more:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_lookups_of_two_hundred_modules_cost_two_hundred_and_each_tile_once() {
    let stand = Stand::new();
    // More records than a tile has, so that there are tiles of two levels, full and partial.
    let modules: Vec<_> = (0..MODULES)
        .map(|n| ModuleFixture::new(&format!("example.com/crowd/m{n}"), "v1.0.0"))
        .collect();
    for (n, module) in modules.iter().enumerate() {
        stand.database.module(module);
        for k in 0..3 {
            let path = format!("example.com/filler/m{n}x{k}");
            let hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
            stand
                .database
                .record(&path, "v1.0.0", &format!("{path} v1.0.0 h1:{hash}\n"));
        }
    }
    let stoa = stand.start();
    let url = Arc::new(stoa.url().to_owned());
    let mut callers = JoinSet::new();
    for n in 0..LOOKUPS {
        let module = &modules[n % MODULES];
        let path = stand.passed(&lookup(module));
        let (url, want) = (Arc::clone(&url), module.h1());
        callers.spawn(async move {
            let answer = http::get(&format!("{url}{path}")).await.unwrap();
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            assert!(answer.text().contains(&want), "{path}");
        });
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
    assert_eq!(stand.database.count_below("/lookup/"), MODULES);
    let tiles = stand.database.count_below("/tile/");
    assert!((5..=8).contains(&tiles), "{tiles} tiles");
    assert_each_path_once(&stand);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_and_ingest_share_their_lookups() {
    let stand = Stand::new();
    let stoa = stand.start();
    let url = Arc::new(stoa.url().to_owned());
    let mut callers = JoinSet::new();
    for module in &stand.scene.example.modules {
        for path in [
            module.url_path("mod"),
            module.url_path("zip"),
            stand.passed(&lookup(module)),
        ] {
            for _ in 0..5 {
                let (url, path) = (Arc::clone(&url), path.clone());
                callers.spawn(async move {
                    let answer = http::get(&format!("{url}{path}")).await.unwrap();
                    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
                });
            }
        }
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
    assert_eq!(
        stand.database.count_below("/lookup/"),
        stand.scene.example.modules.len()
    );
    assert_each_path_once(&stand);
}
