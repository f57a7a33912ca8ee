//! Nodes of a cluster as real processes.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;
use stoa_testing::{
    etcd::Etcd,
    http,
    process::{Finished, StoaCommand, StoaProcess, run},
    redis::Redis,
    upstream::Upstream,
};
use tempfile::TempDir;

use crate::STOA;

/// A node that is not heard of for so long is gone.
pub(crate) const TTL: Duration = Duration::from_secs(3);
const SECRET: &str = "a secret of the nodes of one cluster\n";

/// What knows the nodes.
pub(crate) enum Backing {
    /// The configuration of each.
    Static,
    /// A file.
    File,
    /// The real etcd.
    Etcd(Etcd),
    /// The real Redis.
    Redis(Redis),
}

impl Backing {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Etcd(_) => "etcd",
            Self::Redis(_) => "redis",
            Self::Static => "static",
            Self::File => "file",
        }
    }

    pub(crate) fn kill(&self) {
        match self {
            Self::Etcd(etcd) => etcd.kill(),
            Self::Redis(redis) => redis.kill(),
            Self::Static | Self::File => {}
        }
    }

    pub(crate) fn restart(&self) {
        match self {
            Self::Etcd(etcd) => etcd.restart(),
            Self::Redis(redis) => redis.restart(),
            Self::Static | Self::File => {}
        }
    }

    /// Deletes everything that is in it.
    pub(crate) fn wipe(&self) {
        match self {
            Self::Etcd(etcd) => drop(etcd.delete("/stoa/registry/")),
            Self::Redis(redis) => drop(redis.tell("FLUSHALL")),
            Self::Static | Self::File => {}
        }
    }
}

/// A cluster whose nodes have a storage each.
pub(crate) struct Cluster {
    pub(crate) directory: TempDir,
    pub(crate) upstream: Upstream,
    pub(crate) backing: Backing,
    pub(crate) nodes: Vec<Node>,
    /// More variables of every node.
    settings: Vec<(&'static str, String)>,
}

pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) address: String,
    pub(crate) process: StoaProcess,
}

/// An address of this machine that nobody listens at.
pub(crate) fn free_address(host: &str) -> String {
    let listener = TcpListener::bind(format!("{host}:0")).unwrap();
    listener.local_addr().unwrap().to_string()
}

fn private_file(path: &Path, content: &str) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

impl Cluster {
    /// So many nodes, `a`, `b` and so on, each of which sees all others.
    pub(crate) async fn start(backing: Backing, count: usize) -> Self {
        Self::configured(backing, count, []).await
    }

    /// The same, with these variables.
    pub(crate) async fn configured(
        backing: Backing,
        count: usize,
        settings: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        let directory = stoa_testing::scene::private_directory();
        private_file(&directory.path().join("secret"), SECRET);
        let mut cluster = Self {
            directory,
            upstream: Upstream::start_blocking(),
            backing,
            nodes: Vec::new(),
            settings: settings.into_iter().collect(),
        };
        let places: Vec<_> = (0..count).map(Self::place).collect();
        cluster.list(&places);
        for (id, address) in &places {
            let process = cluster.launch(id, address, &places);
            cluster.nodes.push(Node {
                id: id.clone(),
                address: address.clone(),
                process,
            });
        }
        cluster.all_see(count).await;
        cluster.all_reach().await;
        cluster
    }

    fn place(number: usize) -> (String, String) {
        let id = char::from(b'a' + u8::try_from(number).unwrap());
        (id.to_string(), free_address(&format!("127.0.0.{}", 11 + number)))
    }

    /// Writes the file of nodes.
    fn list(&self, places: &[(String, String)]) {
        let node = |(id, address): &(String, String)| {
            format!("[[node]]\nservice = \"stoa\"\nid = \"{id}\"\naddress = \"http://{address}\"\n")
        };
        let text: String = places.iter().map(node).collect();
        let file = self.directory.path().join("nodes.toml");
        let fresh = file.with_extension("new");
        fs::write(&fresh, text).unwrap();
        fs::rename(fresh, file).unwrap();
    }

    /// Where a node keeps its own.
    pub(crate) fn storage(&self, id: &str) -> PathBuf {
        self.directory.path().join(id)
    }

    fn launch(&self, id: &str, address: &str, places: &[(String, String)]) -> StoaProcess {
        self.command(id, address, places, &self.storage(id)).start()
    }

    /// A node that is about to start.
    pub(crate) fn command(
        &self,
        id: &str,
        address: &str,
        places: &[(String, String)],
        storage: &Path,
    ) -> StoaCommand {
        let path = |name: &str| self.directory.path().join(name).to_str().unwrap().to_owned();
        let mut command = StoaProcess::command(STOA)
            .storage(storage)
            .upstream(&self.upstream.url())
            .listen(address)
            .env("STOA_SUMDB_VERIFY", "false")
            .env("STOA_PEER_ID", id)
            .env("STOA_PEER_ADVERTISE", &format!("http://{address}"))
            .env("STOA_PEER_SECRET_FILE", &path("secret"))
            .env("STOA_REGISTRY_TTL", &format!("{}s", TTL.as_secs()))
            .env("STOA_DRAIN_NOTICE", "1s");
        for (name, value) in &self.settings {
            command = command.env(name, value);
        }
        command = match &self.backing {
            Backing::Static => {
                let nodes = places
                    .iter()
                    .map(|(id, address)| format!("{id}=http://{address}"));
                let nodes = nodes.collect::<Vec<_>>().join(",");
                command
                    .env("STOA_REGISTRY_BACKEND", "static")
                    .env("STOA_REGISTRY_NODES", &nodes)
            }
            Backing::Etcd(etcd) => command
                .env("STOA_REGISTRY_BACKEND", "etcd")
                .env("STOA_REGISTRY_ENDPOINTS", &etcd.url()),
            Backing::Redis(redis) => command
                .env("STOA_REGISTRY_BACKEND", "redis")
                .env("STOA_REGISTRY_ENDPOINTS", &redis.url()),
            Backing::File => command
                .env("STOA_REGISTRY_BACKEND", "file")
                .env("STOA_REGISTRY_FILE", &path("nodes.toml")),
        };
        command
    }

    pub(crate) fn places(&self) -> Vec<(String, String)> {
        let places = self
            .nodes
            .iter()
            .map(|node| (node.id.clone(), node.address.clone()));
        places.collect()
    }

    /// One node more.
    pub(crate) fn add(&mut self) {
        let (id, address) = Self::place(self.nodes.len());
        let mut places = self.places();
        places.push((id.clone(), address.clone()));
        let process = self.launch(&id, &address, &places);
        self.nodes.push(Node { id, address, process });
        self.list(&places);
    }

    /// Starts a node again that has ended.
    pub(crate) fn restart(&mut self, id: &str) {
        let places = self.places();
        let address = self.node(id).address.clone();
        let process = self.launch(id, &address, &places);
        self.node_mut(id).process = process;
    }

    pub(crate) fn node(&self, id: &str) -> &Node {
        self.nodes.iter().find(|node| node.id == id).unwrap()
    }

    pub(crate) fn node_mut(&mut self, id: &str) -> &mut Node {
        self.nodes.iter_mut().find(|node| node.id == id).unwrap()
    }

    /// Waits until every node that runs sees so many.
    pub(crate) async fn all_see(&self, count: usize) {
        let until = Instant::now() + Duration::from_secs(30);
        for node in &self.nodes {
            loop {
                let status = self.status(&node.id).await;
                let nodes = status["nodes"].as_array().into_iter().flatten();
                let nodes = nodes.filter(|node| node["state"] != "unseen").count();
                if nodes == count && status["source"] != "unread" {
                    break;
                }
                assert!(
                    Instant::now() < until,
                    "{} does not see {count} nodes: {status}",
                    node.id
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// Waits until every node reaches every other one.
    pub(crate) async fn all_reach(&self) {
        for node in &self.nodes {
            self.until(&node.id, "all are reached", |status| {
                let nodes = status["nodes"].as_array().unwrap().iter();
                nodes.into_iter().all(|node| node["is_up"] == true)
            })
            .await;
        }
    }

    /// Waits until a node sees the cluster like this.
    pub(crate) async fn until(&self, id: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Duration {
        let began = Instant::now();
        loop {
            let status = self.status(id).await;
            if is_so(&status) {
                return began.elapsed();
            }
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "{what}, as {id} sees it: {status:#}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What a node sees of another one.
    pub(crate) async fn seen(&self, id: &str, other: &str) -> Value {
        let status = self.status(id).await;
        let nodes = status["nodes"].as_array().unwrap().iter();
        let mut found = nodes.filter(|node| node["id"] == other);
        found.next().cloned().unwrap_or_default()
    }

    /// Asks the API of a node.
    pub(crate) async fn api(&self, id: &str, method: &str, path: &str) -> (u16, Value) {
        let node = self.node(id);
        let token = node.process.admin_authorization().unwrap();
        let url = format!("http://{}/api/v1/{path}", node.address);
        let headers = [("Authorization", token.as_str())];
        let answer = http::request(method, &url, &headers, b"").await.unwrap();
        (
            answer.status,
            serde_json::from_str(answer.text()).unwrap_or_default(),
        )
    }

    /// The cluster as a node sees it.
    pub(crate) async fn status(&self, id: &str) -> Value {
        self.api(id, "GET", "cluster").await.1
    }

    /// The nodes in the order in which they own a key, as a node sees it.
    pub(crate) async fn order(&self, id: &str, key: &str) -> Vec<String> {
        let (status, answer) = self.api(id, "GET", &format!("cluster/owner?key={key}")).await;
        assert_eq!(status, 200, "{answer}");
        let order = answer["order"].as_array().unwrap().iter();
        order.map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    /// Asks a node for a file as a client.
    pub(crate) async fn get(&self, id: &str, path: &str) -> http::Response {
        let url = format!("http://{}{path}", self.node(id).address);
        http::get(&url).await.unwrap()
    }

    /// Runs the command line against a node.
    pub(crate) fn cli(&self, id: &str, arguments: &[&str]) -> Finished {
        let node = self.node(id);
        let token = node.process.admin_token_file().unwrap();
        let server = format!("http://{}", node.address);
        let mut all = arguments.to_vec();
        all.extend(["--server", &server, "--token-file", token.to_str().unwrap()]);
        let storage = self.storage(id);
        run(STOA, &all, &[("STOA_STORAGE", storage.to_str().unwrap())])
    }

    /// The value of a metric without labels, or of the one sample that has these.
    pub(crate) async fn metric(&self, id: &str, sample: &str) -> f64 {
        let node = self.node(id);
        let token = node.process.admin_authorization().unwrap();
        let url = format!("http://{}/metrics", node.address);
        let answer = http::request("GET", &url, &[("Authorization", &token)], b"")
            .await
            .unwrap();
        let lines = answer.text().lines().map(str::to_owned).collect::<Vec<_>>();
        let line = lines
            .iter()
            .find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {sample} in\n{}", lines.join("\n")))
            .parse()
            .unwrap()
    }
}
