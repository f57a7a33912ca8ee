//! The `.info` behind an answered query is brought in too.

use std::sync::Arc;

use stoa_proxy::{Meaning, ResolvedInfo};
use tokio_util::task::TaskTracker;

use crate::{
    fake::{Fake, broken},
    lab::{Ask, info, latest, list, resource},
};

const V1: &str = "{\"Version\":\"v1.0.0\"}";

/// The layer over a fake, and the tasks that it started.
fn layer() -> (Fake, ResolvedInfo, TaskTracker) {
    let (fake, tasks) = (Fake::new(), TaskTracker::new());
    let layer = ResolvedInfo::new(Arc::new(fake.clone()), tasks.clone());
    (fake, layer, tasks)
}

async fn finished(tasks: &TaskTracker) {
    tasks.close();
    tasks.wait().await;
}

#[tokio::test]
async fn latest_and_a_branch_bring_in_the_info_of_what_they_name() {
    for query in [latest(), resource("example.com/a/@v/main.info")] {
        let (fake, layer, tasks) = layer();
        fake.text(&query, V1);
        fake.text(&info(), V1);
        layer.ask(&query).await.unwrap();
        finished(&tasks).await;
        assert_eq!(fake.asked(), [query, info()]);
    }
}

#[tokio::test]
async fn nobody_waits_for_it_and_its_failure_is_nobodys() {
    let (fake, layer, tasks) = layer();
    fake.text(&latest(), V1);
    fake.fail(&info(), broken());
    layer.ask(&latest()).await.unwrap();
    assert!(fake.count() <= 2);
    finished(&tasks).await;
    assert_eq!(fake.asked(), [latest(), info()]);
}

#[tokio::test]
async fn other_answers_and_errors_bring_in_nothing() {
    let (fake, layer, tasks) = layer();
    fake.text(&list(), "v1.0.0\n");
    fake.text(&info(), V1);
    fake.fail(&latest(), broken());
    layer.ask(&list()).await.unwrap();
    layer.ask(&info()).await.unwrap();
    assert_eq!(
        layer.ask(&latest()).await.unwrap_err().meaning(),
        Meaning::BadUpstream
    );
    finished(&tasks).await;
    assert_eq!(fake.asked(), [list(), info(), latest()]);
}
