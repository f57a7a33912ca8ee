//! A long queue delays nobody else.

use std::num::NonZeroU32;

use super::adapter::Adapter;
use super::examples::{
    LONG, Scene, at_most, claim, claim_with, done, end, job, key, limit, submit, submit_all,
};
use crate::{AggregationSettings, Job, NewJob};

pub(super) async fn run(adapter: &dyn Adapter) {
    ten_thousand_jobs_do_not_delay_one(adapter).await;
    turns_are_by_weight(adapter).await;
    who_had_nothing_to_do_does_not_catch_up(adapter).await;
    who_was_full_does_not_starve_others(adapter).await;
    kinds_share_as_well(adapter).await;
}

fn of<'a>(jobs: impl IntoIterator<Item = &'a Job>, name: &str) -> usize {
    jobs.into_iter()
        .filter(|job| job.aggregation == key(name))
        .count()
}

async fn ten_thousand_jobs_do_not_delay_one(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    limit(&*scene.a, "x", 100_000).await;
    submit_all(&*scene.a, vec![job("x"); 10_000]).await;
    assert_eq!(claim(&*scene.a, 50).await.len(), 50);
    submit(&*scene.b, job("y")).await;
    assert_eq!(of(&claim(&*scene.a, 2).await, "y"), 1);
    scene.close().await;
}

async fn turns_are_by_weight(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let heavy = AggregationSettings {
        weight: NonZeroU32::new(3).expect("three"),
        ..at_most(1_000)
    };
    scene
        .a
        .set_aggregation(&key("x"), Some(heavy))
        .await
        .expect("sets");
    limit(&*scene.a, "y", 1_000).await;
    submit_all(
        &*scene.a,
        (0..200)
            .map(|number| job(if number % 2 == 0 { "x" } else { "y" }))
            .collect(),
    )
    .await;
    let mut running = Vec::new();
    for turn in 0..40 {
        running.extend(claim(&**[&scene.a, &scene.b][turn % 2], 1).await);
    }
    let x = of(&running, "x");
    assert!((29..=31).contains(&x), "three of four turns, not {x} of 40");
    scene.close().await;
}

async fn who_had_nothing_to_do_does_not_catch_up(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    limit(&*scene.a, "x", 1_000).await;
    limit(&*scene.a, "y", 1_000).await;
    submit_all(&*scene.a, vec![job("x"); 200]).await;
    assert_eq!(claim(&*scene.a, 100).await.len(), 100);
    submit_all(&*scene.a, vec![job("y"); 100]).await;
    let running = claim(&*scene.b, 20).await;
    let y = of(&running, "y");
    assert!((9..=11).contains(&y), "half of the turns, not {y} of 20");
    scene.close().await;
}

async fn who_was_full_does_not_starve_others(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    limit(&*scene.a, "full", 1).await;
    limit(&*scene.a, "x", 1_000).await;
    submit_all(&*scene.a, vec![job("full"); 100]).await;
    assert_eq!(claim(&*scene.a, 10).await.len(), 1);
    submit_all(&*scene.a, vec![job("x"); 200]).await;
    assert_eq!(of(&claim(&*scene.a, 100).await, "x"), 100);
    limit(&*scene.a, "full", 1_000).await;
    submit_all(
        &*scene.a,
        vec![
            NewJob {
                aggregation_settings: Some(at_most(1_000)),
                ..job("new")
            };
            50
        ],
    )
    .await;
    let running = claim(&*scene.b, 30).await;
    for name in ["full", "x", "new"] {
        let turns = of(&running, name);
        assert!(
            (9..=11).contains(&turns),
            "a third of the turns for {name}, not {turns} of 30"
        );
    }
    scene.close().await;
}

async fn kinds_share_as_well(adapter: &dyn Adapter) {
    let scene = Scene::new(adapter).await;
    let other: crate::AggregationKey = "other/x".parse().expect("a key");
    limit(&*scene.a, "x", 1_000).await;
    scene
        .a
        .set_aggregation(&other, Some(at_most(1_000)))
        .await
        .expect("sets");
    submit_all(&*scene.a, vec![job("x"); 100]).await;
    submit_all(&*scene.a, vec![NewJob::new(other.clone(), 7.into()); 100]).await;
    for job in claim(&*scene.a, 20).await {
        end(&*scene.a, &job, done()).await;
    }
    let both = claim_with(&*scene.b, &["other", "url"], 20, LONG).await;
    let others = both
        .jobs
        .iter()
        .filter(|(job, _)| job.aggregation == other)
        .count();
    assert!(
        (9..=11).contains(&others),
        "half of the turns, not {others} of 20"
    );
    scene.close().await;
}
