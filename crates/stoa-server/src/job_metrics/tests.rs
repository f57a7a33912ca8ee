use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::json;
use stoa_jobs::{
    Claim, Engine, Failure, Gate, Handler, KindOptions, MemoryStore, NewJob, ObservedStore, Outcome, Rules,
    Run, Store, SystemClock, SystemRandom,
};

use super::*;

fn for_tests() -> (stoa_telemetry::Registry, Arc<JobMetrics>) {
    let registry = stoa_telemetry::Registry::new("stoa");
    let metrics = Arc::new(JobMetrics::new(&registry.root()));
    (registry, metrics)
}

/// Does what the payload says.
#[derive(Debug)]
struct Obeys;

#[async_trait]
impl Handler for Obeys {
    async fn run(&self, run: &Run) -> Outcome {
        let payload = &run.job().payload;
        for (name, value) in payload["notes"].as_object().into_iter().flatten() {
            run.note(name, value.clone());
        }
        match payload["class"].as_str() {
            Some("disk") if run.job().attempts.is_empty() => {
                Outcome::Interrupted(Failure::new("disk", "full"))
            }
            None | Some("disk") => Outcome::Ok(json!(null)),
            Some(class) => Outcome::Dead(Failure::new(class, "as it was told")),
        }
    }
}

fn store() -> Arc<dyn Store> {
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    Arc::new(MemoryStore::new(Rules::default(), clock, random))
}

fn job(key: &str, payload: Value) -> NewJob {
    NewJob::new(key.parse().expect("a key"), payload)
}

/// Runs jobs to their ends.
async fn run(metrics: &Arc<JobMetrics>, store: &Arc<dyn Store>, jobs: Vec<NewJob>) -> Engine {
    let observed = Arc::new(ObservedStore::new(Arc::clone(store), Arc::clone(metrics) as _));
    let mut engine = Engine::builder(observed).observer(Arc::clone(metrics) as _);
    for kind in [DownloadSpec::KIND, CallbackPayload::KIND, KafkaPayload::KIND] {
        let workers = KindOptions {
            workers: 1,
            timeout: None,
        };
        engine = engine.handler(kind.parse().expect("a kind"), Arc::new(Obeys), workers);
    }
    let engine = engine.start();
    // Events are counted from the start of the engine on, which has read the last one when it can wait for the first job.
    for job in jobs {
        let submitted = engine.store().submit(vec![job]).await.expect("a store");
        let ended = engine
            .wait(submitted[0].id(), Duration::from_secs(20))
            .await
            .expect("a store");
        assert!(ended.expect("a job").0.state.name().has_ended());
    }
    engine.drain(Duration::from_secs(5)).await;
    engine
}

fn assert_has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(&format!("\n{line}\n")), "no {line} in\n{text}");
    }
}

#[tokio::test]
async fn runs_are_counted_by_kind_outcome_and_class() {
    let (registry, metrics) = for_tests();
    let jobs = vec![
        job("url/a", json!({ "notes": { "status": 200, "bytes": 70 } })),
        job("url/a", json!({ "class": "disk", "notes": { "bytes": 5 } })),
        job("url/b", json!({ "class": "type", "notes": { "status": 200 } })),
        job("url/b", json!({ "class": "tls" })),
        job("callback/c", json!({})),
        job("callback-kafka/c", json!({ "class": "payload" })),
    ];
    run(&metrics, &store(), jobs).await;
    let text = registry.text();
    assert_has(
        &text,
        &[
            "stoa_job_run_seconds_count{kind=\"url\",outcome=\"ok\"} 2",
            "stoa_job_run_seconds_count{kind=\"url\",outcome=\"dead\"} 2",
            "stoa_job_run_seconds_count{kind=\"url\",outcome=\"interrupted\"} 1",
            "stoa_job_start_delay_seconds_count{kind=\"url\"} 4",
            "stoa_job_attempts_count{kind=\"url\"} 4",
            "stoa_job_attempts_count{kind=\"callback\"} 1",
            "stoa_job_attempts_count{kind=\"callback-kafka\"} 1",
            "stoa_job_bytes_total{dir=\"in\"} 80",
            "stoa_job_interrupted_total{why=\"disk\"} 1",
            "stoa_callbacks_total{backend=\"http\",result=\"delivered\"} 1",
            "stoa_callbacks_total{backend=\"kafka\",result=\"dead\"} 1",
            "stoa_callback_lag_seconds_count 1",
            "stoa_store_latency_seconds_count{op=\"submit\"} 6",
            "stoa_store_latency_seconds_count{op=\"finish\"} 7",
            "stoa_leases_expired_total 0",
        ],
    );
    let processor = metrics.processor();
    assert_eq!(
        processor,
        json!({
            "alive": 1, "workers": 0, "workerPools": 0, "maxWorkers": 1, "maxWorkerPools": 1,
            "spawnedWorkers": 5, "spawnedWorkerPools": 5, "failures": 2, "invalidProxies": 0,
            "reaperSuccessfulDeletions": 0, "reaperFailures": 0,
            "download.response.200": 2, "download.response.mime": 1, "download.response.tls": 1,
        })
    );
    assert_eq!(
        metrics.notifier(),
        json!({
            "alive": 1, "workers": 0, "workerPools": 0, "successfulCallbacks": 1, "failedCallbacks": 1,
            "undefinedBackendWithCallback": 1, "unknownTopicOrPartition": 0,
        })
    );
}

#[tokio::test]
async fn a_job_whose_node_was_lost_is_counted_where_it_goes_on() {
    let (registry, metrics) = for_tests();
    let store = store();
    let submitted = store
        .submit(vec![job("url/a", json!({}))])
        .await
        .expect("a store");
    let claim = Claim {
        node: "lost".into(),
        kinds: vec!["url".parse().expect("a kind")],
        max: 1,
        lease: Duration::ZERO,
    };
    assert_eq!(store.claim(&claim).await.expect("a store").jobs.len(), 1);
    let engine = Engine::builder(Arc::clone(&store))
        .observer(Arc::clone(&metrics) as _)
        .handler(
            "url".parse().expect("a kind"),
            Arc::new(Obeys),
            KindOptions::default(),
        )
        .start();
    let ended = engine.wait(submitted[0].id(), Duration::from_secs(20)).await;
    assert!(ended.expect("a store").expect("a job").0.state.name().has_ended());
    engine.drain(Duration::from_secs(5)).await;
    assert_has(
        &registry.text(),
        &["stoa_leases_expired_total 1", "stoa_jobs_recovered_total 1"],
    );
}

#[tokio::test(start_paused = true)]
async fn a_scrape_shows_what_was_seen_last_and_asks_no_store() {
    let (registry, metrics) = for_tests();
    let store = store();
    let observed = Arc::new(ObservedStore::new(Arc::clone(&store), Arc::clone(&metrics) as _));
    let (disk, gate) = Gate::new();
    let gauges = JobGauges::new(observed, vec![("downloads", gate)]);
    registry.root().collector(gauges.clone());
    let jobs = ["url/a", "url/b", "module/c"].map(|key| job(key, json!({})));
    store.submit(jobs.to_vec()).await.expect("a store");
    let text = registry.text();
    assert!(!text.contains("stoa_jobs{"), "nothing was seen yet: {text}");
    assert_has(&text, &["stoa_disk_state{volume=\"downloads\"} 0"]);
    disk.send_replace(Some(Failure::new("disk", "full")));
    gauges.look().await;
    for _ in 0..3 {
        assert_has(
            &registry.text(),
            &[
                "stoa_jobs{state=\"ready\",kind=\"url\"} 2",
                "stoa_jobs{state=\"ready\",kind=\"module\"} 1",
                "stoa_jobs{state=\"dead\",kind=\"all\"} 0",
                "stoa_disk_state{volume=\"downloads\"} 1",
                "stoa_store_latency_seconds_count{op=\"counts\"} 1",
            ],
        );
    }
    assert!(
        registry
            .text()
            .contains("stoa_queue_oldest_seconds{kind=\"url\"} ")
    );
    // What was not renewed for too long is not shown.
    tokio::time::advance(Duration::from_secs(31)).await;
    assert!(!registry.text().contains("stoa_jobs{"));
}
