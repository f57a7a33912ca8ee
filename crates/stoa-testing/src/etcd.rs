//! The real etcd.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A member of an etcd, mostly its only one, on a port of 127.0.0.1 with its files in a folder of its own. It goes with the test.
pub struct Etcd {
    port: u16,
    /// Where other members ask it; it listens there even if it is alone.
    peer_port: u16,
    folder: TempDir,
    options: Vec<String>,
    child: Mutex<Child>,
}

impl Etcd {
    /// An etcd that does not wait for the disk. What it has confirmed outlives its process all the same.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// An etcd with these options.
    pub fn with(options: &[&str]) -> Self {
        let peer_port = free_port();
        let mut options: Vec<_> = options.iter().map(|&option| option.to_owned()).collect();
        options.extend([
            "--initial-cluster".to_owned(),
            format!("default={}", local(peer_port)),
        ]);
        let etcd = Self::begin(peer_port, options);
        etcd.wait();
        etcd
    }

    /// One etcd of several members. It does without fewer than half of them.
    pub fn cluster(members: usize) -> Vec<Self> {
        let ports: Vec<_> = (0..members).map(|_| free_port()).collect();
        let name = |number: usize| format!("member{number}");
        let all: Vec<_> = ports
            .iter()
            .enumerate()
            .map(|(number, port)| format!("{}={}", name(number), local(*port)))
            .collect();
        let begin = |(number, port): (usize, &u16)| {
            let options = ["--name", &name(number), "--initial-cluster", &all.join(",")];
            Self::begin(*port, options.map(str::to_owned).to_vec())
        };
        // None is ready before the others have begun.
        let etcds: Vec<_> = ports.iter().enumerate().map(begin).collect();
        etcds.iter().for_each(Self::wait);
        etcds
    }

    fn begin(peer_port: u16, options: Vec<String>) -> Self {
        let port = free_port();
        let folder = tempfile::tempdir().unwrap();
        let child = Mutex::new(run(folder.path(), port, peer_port, &options));
        Self {
            port,
            peer_port,
            folder,
            options,
            child,
        }
    }

    /// Waits until it is ready.
    fn wait(&self) {
        let log = self.child().stderr.take().unwrap();
        let mut lines = BufReader::new(log).lines();
        let mut said = String::new();
        let is_ready = lines.by_ref().map_while(Result::ok).any(|line| {
            said.push_str(&line);
            said.push('\n');
            line.contains("serving client traffic")
        });
        assert!(is_ready, "etcd ended: {said}");
        // It must not wait for somebody to read its log.
        std::thread::spawn(move || lines.for_each(drop));
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        local(self.port)
    }

    /// Ends it at once, as a loss of power would.
    pub fn kill(&self) {
        let mut child = self.child();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts it again on the same port with the same files.
    pub fn restart(&self) {
        self.kill();
        *self.child() = run(self.folder.path(), self.port, self.peer_port, &self.options);
        self.wait();
    }

    /// Starts it again on the same port with nothing in it, as somebody would who replaces the machine.
    pub fn replace(&self) {
        self.kill();
        std::fs::remove_dir_all(self.folder.path().join("data")).unwrap();
        *self.child() = run(self.folder.path(), self.port, self.peer_port, &self.options);
        self.wait();
    }

    /// Stops it where it is: its connections stay, and nothing answers.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        // Not reaped, so the number is still this process's. The shell's kill is built in.
        let kill = format!("kill -s {name} {}", self.child().id());
        let sent = Command::new("/bin/sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success(), "cannot send {name} to etcd");
    }

    /// Asks its JSON gateway, and gives back what it answers, an error too.
    #[expect(clippy::disallowed_methods, reason = "a test speaks with a server of its own")]
    pub fn ask(&self, path: &str, question: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let body = question.to_string();
        // Of HTTP/1.0, so that the answer is in one piece and ends with the connection.
        let head = format!(
            "POST {path} HTTP/1.0\r\nHost: 127.0.0.1:{}\r\nContent-Length: {}\r\n\r\n",
            self.port,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {answer}"))
    }

    /// Sets a key.
    pub fn put(&self, key: &str, value: &str) -> Value {
        let (key, value) = (STANDARD.encode(key), STANDARD.encode(value));
        self.ask("/v3/kv/put", &json!({ "key": key, "value": value }))
    }

    /// Deletes the keys that begin with `prefix`, all at once.
    pub fn delete(&self, prefix: &str) -> Value {
        let mut end = prefix.as_bytes().to_vec();
        *end.last_mut().unwrap() += 1;
        let (key, range_end) = (STANDARD.encode(prefix), STANDARD.encode(end));
        self.ask(
            "/v3/kv/deleterange",
            &json!({ "key": key, "range_end": range_end }),
        )
    }

    /// Its present revision.
    pub fn revision(&self) -> u64 {
        let answer = self.ask("/v3/kv/range", &json!({ "key": STANDARD.encode("a") }));
        let revision = answer["header"]["revision"].as_str().unwrap();
        revision.parse().unwrap()
    }

    /// Forgets what was before the present revision.
    pub fn compact(&self) {
        let revision = self.revision().to_string();
        self.ask(
            "/v3/kv/compaction",
            &json!({ "revision": revision, "physical": true }),
        );
    }

    /// Asks everybody for a password from now on, which the user `root` has.
    pub fn lock(&self, password: &str) {
        self.ask(
            "/v3/auth/user/add",
            &json!({ "name": "root", "password": password }),
        );
        self.ask("/v3/auth/role/add", &json!({ "name": "root" }));
        self.ask("/v3/auth/user/grant", &json!({ "user": "root", "role": "root" }));
        let enabled = self.ask("/v3/auth/enable", &json!({}));
        assert!(enabled["error"].is_null(), "{enabled}");
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let mut child = self.child();
        // It may have ended.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn local(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

fn run(folder: &Path, port: u16, peer_port: u16, options: &[String]) -> Child {
    let (clients, peers) = (local(port), local(peer_port));
    Command::new("etcd")
        .arg("--data-dir")
        .arg(folder.join("data"))
        .args(["--unsafe-no-fsync", "--logger", "zap", "--log-outputs", "stderr"])
        .args([
            "--listen-client-urls",
            &clients,
            "--advertise-client-urls",
            &clients,
        ])
        .args([
            "--listen-peer-urls",
            &peers,
            "--initial-advertise-peer-urls",
            &peers,
        ])
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("etcd is installed (scripts/tools.sh does it)")
}
