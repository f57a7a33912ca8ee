//! Callbacks that are not taken at once, and downloads that many ask for.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stoa_testing::gate::Gate;
use stoa_testing::reply::Reply;

use crate::scene::{Kind, Scene, attempts};

on_both_stores!(a12_a_callback_is_the_same_until_it_is_taken);
on_each_store!(a16_what_many_ask_two_nodes_for_is_downloaded_once);

async fn a12_a_callback_is_the_same_until_it_is_taken(kind: Kind) {
    let mut scene = Scene::without_nodes(kind);
    let refused = (0..4).map(|_| Reply::text(500, "not now"));
    scene
        .told
        .recover("/told")
        .script("/told", refused)
        .file("/told", "thanks");
    scene.start(0);
    scene.origin.file("/x", "content");
    let id = scene.download(0, "/x", &json!({ "extra": "mine" })).await;
    let told = scene.callbacks(5).await;
    let url = format!("https://files.example/d/{}/{id}", &id[..3]);
    for (message, key) in &told {
        assert_eq!(
            (&message["success"], message["download_url"].as_str()),
            (&json!(true), Some(url.as_str()))
        );
        assert_eq!(key, &format!("{id}-0-0"));
    }
    let bodies: BTreeSet<_> = scene
        .told
        .requests()
        .into_iter()
        .map(|request| request.body)
        .collect();
    assert_eq!(bodies.len(), 1, "{told:?}");
    let (_, jobs) = scene.api(0, "GET", "jobs?kind=callback", &Value::Null).await;
    let callback = scene.ended(0, jobs["jobs"][0]["id"].as_str().unwrap()).await;
    let want = ["failed", "failed", "failed", "failed", "ok"];
    assert_eq!(
        (attempts(&callback), &callback["charged"]),
        (want.to_vec(), &json!(5)),
        "{callback}"
    );
    assert_eq!((scene.told.total(), scene.origin.total()), (5, 1));
}

async fn a16_what_many_ask_two_nodes_for_is_downloaded_once(kind: Kind) {
    const CLIENTS: usize = 50;
    let scene = Scene::of(kind, 2);
    let gate = Gate::new();
    scene.origin.on("/x", Reply::text(200, "content").held(&gate));
    let extras: Vec<_> = (0..CLIENTS)
        .map(|number| json!({ "extra": number.to_string() }))
        .collect();
    let asked = extras
        .iter()
        .enumerate()
        .map(|(number, more)| scene.download(number % 2, "/x", more));
    let ids: BTreeSet<_> = futures_util::future::join_all(asked).await.into_iter().collect();
    assert_eq!(ids.len(), 1, "one job");
    scene.origin.arrived("/x", 1).await;
    gate.release();
    let told = scene.callbacks(CLIENTS).await;
    let said: BTreeSet<_> = told
        .iter()
        .map(|(message, _)| message["extra"].as_str().unwrap().to_owned())
        .collect();
    let keys: BTreeSet<_> = told.iter().map(|(_, key)| key).collect();
    assert_eq!((told.len(), said.len(), keys.len()), (CLIENTS, CLIENTS, CLIENTS));
    assert!(told.iter().all(|(message, _)| message["success"] == true));
    assert_eq!(scene.origin.total(), 1);
}
