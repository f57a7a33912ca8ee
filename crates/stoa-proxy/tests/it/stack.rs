//! The layers together: hits and misses.

use std::sync::Arc;

use stoa_proxy::{Meaning, Outcome};
use stoa_storage::FileKind;
use stoa_testing::reply::Reply;
use tokio::task::JoinSet;

use crate::lab::{
    Ask, FETCHES, Lab, REQUESTS, go_mod, info, key, latest, list, module, resource, settle, zip,
};

#[tokio::test]
async fn hits_are_answered_while_every_permit_is_taken_by_misses_that_hang() {
    let lab = Lab::new().await;
    let module = module();
    lab.upstream.module(&module);
    let warm = [list(), latest(), info(), go_mod(), zip()];
    for resource in &warm {
        lab.get(resource).await.unwrap();
    }
    settle(&lab.tasks).await;
    lab.upstream.on_everything(Reply::Hang);
    let before = lab.upstream.total();
    let mut hanging = JoinSet::new();
    // Of as many sites: one alone would not get every permit.
    for n in 0..REQUESTS {
        let protocol = Arc::clone(&lab.protocol);
        let missing = resource(&format!("site{n}.example/m/@v/list"));
        hanging.spawn(async move { protocol.ask(&missing).await.map(drop) });
    }
    for n in 0..FETCHES {
        lab.upstream
            .arrived(&format!("/site{n}.example/m/@v/list"), 1)
            .await;
    }
    let refused = lab.get(&resource("another.example/m/@v/list")).await.unwrap_err();
    assert_eq!(refused.meaning(), Meaning::Overloaded);
    for resource in &warm {
        let answer = lab.protocol.ask(resource).await.unwrap();
        assert_eq!(answer.outcome, Outcome::Hit, "{resource}");
    }
    assert_eq!(lab.upstream.total(), before + FETCHES);
    hanging.shutdown().await;
    lab.upstream.kill();
}

#[tokio::test]
async fn a_go_mod_never_costs_a_zip() {
    let lab = Lab::new().await;
    let module = module();
    lab.upstream.module(&module);
    for _ in 0..3 {
        assert_eq!(lab.get(&go_mod()).await.unwrap(), module.go_mod());
    }
    let paths: Vec<_> = lab.upstream.requests().into_iter().map(|r| r.path).collect();
    assert_eq!(paths, [module.url_path("mod")]);
    assert_eq!(lab.stored(FileKind::Zip).await, None);
    assert_eq!(lab.stored(FileKind::Info).await, None);
}

#[tokio::test]
async fn each_file_is_fetched_once_and_served_from_storage_ever_after() {
    let lab = Lab::new().await;
    let module = module();
    lab.upstream.module(&module);
    for round in 0..3 {
        assert_eq!(lab.get(&info()).await.unwrap(), module.info());
        assert_eq!(lab.get(&go_mod()).await.unwrap(), module.go_mod());
        assert_eq!(lab.get(&zip()).await.unwrap(), module.zip().to_bytes());
        settle(&lab.tasks).await;
        assert_eq!(lab.upstream.total(), 3, "round {round}");
    }
    lab.upstream.kill();
    assert_eq!(lab.get(&zip()).await.unwrap(), module.zip().to_bytes());
}

#[tokio::test]
async fn a_broken_zip_costs_its_clients_their_connection_and_is_asked_again() {
    let lab = Lab::new().await;
    let module = module();
    lab.upstream.module(&module);
    let broken = module.zip().to_bytes().slice(..200);
    lab.upstream.script(&module.url_path("zip"), [Reply::ok(broken)]);
    let error = lab.get(&zip()).await.unwrap_err();
    assert_eq!(error.meaning(), Meaning::BadUpstream);
    settle(&lab.tasks).await;
    assert!(lab.storage.open(&key(FileKind::Zip)).await.unwrap().is_none());
    assert_eq!(lab.get(&zip()).await.unwrap(), module.zip().to_bytes());
}

#[tokio::test]
async fn a_failure_upstream_is_never_a_not_found() {
    let lab = Lab::new().await;
    for reply in [
        Reply::text(500, "broken"),
        Reply::text(403, "no"),
        Reply::text(429, "slow down"),
        Reply::Reset,
        Reply::ok("<html>"),
    ] {
        lab.upstream.on_everything(reply);
        for resource in [latest(), info(), zip()] {
            let error = lab.get(&resource).await.unwrap_err();
            assert_eq!(error.meaning(), Meaning::BadUpstream, "{resource}: {error}");
        }
    }
}

#[tokio::test]
async fn the_stack_prints_its_order() {
    let lab = Lab::new().await;
    let want = format!(
        "revalidation_cache > storage_first({}) > admission({REQUESTS}) > resolved_info > stash > \
         single_flight > fetch_and_save(no_check) > resumed > metered > pool({FETCHES}) > routes(upstream({}))",
        lab.storage,
        lab.upstream.url()
    );
    assert_eq!(lab.protocol.to_string(), want);
}
