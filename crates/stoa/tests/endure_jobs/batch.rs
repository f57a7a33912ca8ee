//! Many downloads, all of which are done and told once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use stoa_testing::content::Content;
use stoa_testing::reply::Reply;

use crate::scene::{Scene, files};

/// How many run at a time.
const LIMIT: usize = 24;

/// Downloads of half a second each, whose contents differ.
pub(crate) struct Batch {
    ids: Vec<String>,
}

fn content(number: usize) -> Content {
    Content::random(3_000 + number as u64, number as u64)
}

impl Batch {
    /// Submits so many to the servers, of which there are so many, by turns. None starts before all are there.
    pub(crate) async fn submit(scene: &Scene, jobs: usize, nodes: usize) -> Self {
        let limits = json!({ "concurrency": LIMIT, "paused": true });
        let (status, _) = scene.api(0, "PUT", "aggregations/url/a", &limits).await;
        assert_eq!(status, 200);
        let mut ids = Vec::new();
        for number in 0..jobs {
            let path = format!("/x{number}");
            let reply = Reply::Drip {
                body: content(number),
                chunk: 1_000,
                every: Duration::from_millis(150),
            };
            scene.origin.on(&path, reply);
            let more = json!({ "aggr_limit": LIMIT, "extra": number.to_string() });
            ids.push(scene.download(number % nodes, &path, &more).await);
        }
        assert_eq!(scene.origin.total(), 0);
        let (status, _) = scene
            .api(0, "PUT", "aggregations/url/a", &json!({ "paused": false }))
            .await;
        assert_eq!(status, 200);
        Self { ids }
    }

    /// Each is done, has its file with its bytes, and is told under one key. A callback may arrive twice, if its sender was
    /// killed before it knew; its key says so.
    pub(crate) async fn check(&self, scene: &Scene, node: usize) {
        let jobs = self.ids.len();
        for id in &self.ids {
            let job = scene.ended(node, id).await;
            assert_eq!(job["state"], "ok", "{job}");
        }
        let mut told = BTreeMap::<String, Value>::new();
        let mut posts = jobs;
        while told.len() < jobs {
            for (message, key) in scene.callbacks(posts).await {
                assert_eq!(message["success"], true, "{message}");
                let before = told.insert(key, message.clone());
                assert!(before.is_none_or(|before| before == message), "{message}");
            }
            posts += jobs - told.len();
        }
        println!(
            "{jobs} jobs: {} downloads, at most {} at a time, {} callbacks under {} keys",
            scene.origin.total(),
            scene.origin.peak_in_flight(),
            scene.told.total(),
            told.len()
        );
        let said: BTreeMap<_, _> = told
            .values()
            .map(|message| {
                (
                    message["job_id"].as_str().unwrap(),
                    message["extra"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            (told.len(), said.len()),
            (jobs, jobs),
            "each job is told under one key"
        );
        for (number, id) in self.ids.iter().enumerate() {
            assert_eq!(said[id.as_str()], number.to_string());
            let same = fs::read(scene.file(id)).unwrap() == content(number).to_bytes();
            assert!(same, "the file of {id} has other bytes");
        }
        let published: BTreeSet<_> = files(&scene.downloads).into_iter().collect();
        let want = self.ids.iter().map(|id| scene.file(id)).collect();
        assert_eq!(published, want, "no other file is there");
        assert!(scene.origin.peak_in_flight() <= LIMIT);
    }
}
