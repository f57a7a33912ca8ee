//! Nodes of a file that somebody writes.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::nodes::{Backing, Cluster, free_address};

/// What a server may take to see a change of its file, of which it is told within two seconds.
const SOON: Duration = Duration::from_millis(2_500);

struct Scene {
    cluster: Cluster,
    good: String,
}

impl Scene {
    async fn new() -> Self {
        let cluster = Cluster::start(Backing::File, 2).await;
        let good = fs::read_to_string(cluster.directory.path().join("nodes.toml")).unwrap();
        Self { cluster, good }
    }

    fn write(&self, text: &str) {
        fs::write(self.cluster.directory.path().join("nodes.toml"), text).unwrap();
    }

    async fn mend(&self) {
        self.write(&self.good);
        let mended = self
            .cluster
            .until("a", "the file is taken over", |status| {
                status["error"].is_null()
                    && status["source"] == "watched"
                    && status["nodes"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .all(|node| node["state"] == "ready")
            })
            .await;
        assert!(mended < SOON, "{mended:?}");
        assert!(self.cluster.metric("a", "stoa_registry_up").await > 0.9);
    }
}

/// A file in which anything is wrong is not taken over, and that is said where it is looked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_a_fault_is_refused_as_a_whole_and_told() {
    let scene = Scene::new().await;
    let end = scene.good.lines().count();
    let more = |line: &str| format!("{}{line}\n", scene.good);
    for (text, line, want) in [
        (more("state = \"wobbly\""), end + 1, "unknown variant `wobbly`"),
        (
            more("metadata = { weight = \"x\" }"),
            end - 3,
            "the weight \"x\" is no number",
        ),
        (
            more("metadata = { weight = \"-1\" }"),
            end - 3,
            "the weight \"-1\" is no number",
        ),
        (more("stat = \"ready\""), end + 1, "unknown field `stat`"),
        (scene.good.replace("http:", "ftp:"), 1, "is no URL"),
        (more("garbage"), end + 1, "expected"),
    ] {
        scene.write(&text);
        let told = scene
            .cluster
            .until("a", "it is told", |status| !status["error"].is_null())
            .await;
        assert!(told < SOON, "{told:?}");
        let status = scene.cluster.status("a").await;
        let error = status["error"].as_str().unwrap();
        assert!(error.contains(&format!("nodes.toml, line {line}: ")), "{error}");
        assert!(error.contains(want), "{error}");
        assert_eq!(status["source"], "stale");
        assert_eq!(
            status["nodes"].as_array().unwrap().len(),
            2,
            "what was there counts: {status}"
        );
        assert!(scene.cluster.metric("a", "stoa_registry_up").await < 0.1);
        let listed = scene.cluster.cli("a", &["cluster", "ls"]);
        assert!(
            listed.stderr.contains(want) && listed.stderr.contains("stale, "),
            "{listed:?}"
        );
        scene.mend().await;
    }
}

/// Nodes that somebody writes out are gone, and are not said to be kept.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_believed_and_said() {
    let scene = Scene::new().await;
    scene.write("");
    let alone = scene
        .cluster
        .until("a", "a is alone", |status| {
            let nodes = status["nodes"].as_array().unwrap();
            nodes.len() == 1 && nodes[0]["state"] == "unseen" && nodes[0]["is_self"] == true
        })
        .await;
    assert!(alone < SOON, "{alone:?}");
    let ready = scene.cluster.get("a", "/readyz").await;
    assert_eq!(ready.status, 200);
    assert!(
        ready.text().contains("cluster: a is not in the file "),
        "{}",
        ready.text()
    );
    assert!(scene.cluster.metric("a", "stoa_cluster_announced").await < 0.1);
    let log = scene
        .cluster
        .node("a")
        .process
        .wait_for_log("this node is not in the file");
    assert!(log.contains("nodes.toml"), "{log}");
    let output = scene.cluster.node("a").process.output();
    assert!(!output.contains("vanished"), "{output}");
    scene.mend().await;
}

/// The file has this node at another address: nobody would find it there.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_written_at_another_address_is_refused() {
    let mut scene = Scene::new().await;
    let a = scene.cluster.node("a").address.clone();
    let elsewhere = free_address("127.0.0.77");
    scene.write(&scene.good.replace(&a, &elsewhere));
    let log = scene
        .cluster
        .node("a")
        .process
        .wait_for_log("has this node at another address");
    assert!(log.contains(&elsewhere), "{log}");
    let ready = scene.cluster.get("a", "/readyz").await;
    assert_eq!(ready.status, 503, "{}", ready.text());
    assert!(
        ready.text().contains(&elsewhere) && ready.text().contains(&a),
        "{}",
        ready.text()
    );
    let b = scene.cluster.get("b", "/readyz").await;
    assert_eq!(b.status, 200, "{}", b.text());
    scene.cluster.node_mut("a").process.kill9();
    let (places, storage) = (scene.cluster.places(), scene.cluster.storage("a"));
    let (code, output) = scene
        .cluster
        .command("a", &a, &places, &storage)
        .start_expecting_exit();
    assert_eq!(code, Some(64), "{output}");
    assert!(
        output.contains(&elsewhere) && output.contains("peer.advertise"),
        "{output}"
    );
    scene.write(&scene.good);
    scene.cluster.restart("a");
    assert_eq!(scene.cluster.get("a", "/readyz").await.status, 200);
}

/// A node that starts with a broken file takes the mended one over as soon as one that runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_broken_at_the_start_is_taken_over() {
    let mut scene = Scene::new().await;
    scene.write("garbage");
    scene.cluster.node_mut("a").process.kill9();
    fs::remove_dir_all(scene.cluster.storage("a")).unwrap();
    scene.cluster.restart("a");
    let status = scene.cluster.status("a").await;
    assert!(status["error"].as_str().unwrap().contains("line 1"), "{status}");
    tokio::time::sleep(Duration::from_secs(6)).await;
    let began = Instant::now();
    scene.mend().await;
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}
