//! A Redis of a test.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use redis::{Cmd, FromRedisValue};
use stoa_jobs::{RedisOptions, RedisStore, Rules};

/// How long a test waits for something that comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A Redis on a port of 127.0.0.1 with its files in a folder of its own. It goes with the test.
pub(crate) struct Server {
    scheme: &'static str,
    port: u16,
    folder: tempfile::TempDir,
    arguments: Vec<String>,
    child: Mutex<Child>,
}

impl Server {
    /// A Redis that loses nothing that it has confirmed.
    pub(crate) fn start() -> Self {
        Self::with(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    pub(crate) fn with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let text = port.to_string();
        let arguments = [&["--save", "", "--port", &text][..], options].concat();
        Self::begin("redis", port, folder, &arguments)
    }

    /// A Redis that speaks TLS only.
    pub(crate) fn with_tls(certificate: &str, key: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).expect("writes");
            file.display().to_string()
        };
        let (certificate, key) = (write("tls.crt", certificate), write("tls.key", key));
        let port = free_port();
        let text = port.to_string();
        let files = [
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &certificate,
        ];
        let ports = ["--port", "0", "--tls-port", &text, "--tls-auth-clients", "no"];
        let arguments = [&["--save", "", "--appendonly", "yes"][..], &files, &ports].concat();
        Self::begin("rediss", port, folder, &arguments)
    }

    /// A Sentinel that watches the master `main` on a port.
    pub(crate) fn sentinel(master: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("sentinel.conf");
        let settings =
            format!("sentinel monitor main 127.0.0.1 {master} 1\nsentinel failover-timeout main 10000\n");
        std::fs::write(&file, settings).expect("writes");
        let (port, file) = (free_port(), file.display().to_string());
        let text = port.to_string();
        Self::begin("redis", port, folder, &[&file, "--port", &text, "--sentinel"])
    }

    fn begin(scheme: &'static str, port: u16, folder: tempfile::TempDir, arguments: &[&str]) -> Self {
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let child = Mutex::new(run(folder.path(), &arguments));
        Self {
            scheme,
            port,
            folder,
            arguments,
            child,
        }
    }

    /// Ends it at once, as a loss of power would.
    pub(crate) fn kill(&self) {
        let mut child = self.child.lock();
        child.kill().expect("it is ours");
        child.wait().expect("it ends");
    }

    /// Starts it again on the same port with the same files.
    pub(crate) fn restart(&self) {
        self.kill();
        *self.child.lock() = run(self.folder.path(), &self.arguments);
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn address(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    pub(crate) fn options(&self) -> RedisOptions {
        RedisOptions::new(self.address().parse().expect("an address"))
    }

    pub(crate) async fn open(&self, rules: Rules, prefix: &str) -> RedisStore {
        let options = RedisOptions {
            rules,
            prefix: prefix.into(),
            ..self.options()
        };
        RedisStore::open(options).await.expect("opens")
    }

    /// Asks it something beside the store.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> T {
        self.try_ask(command).await.expect("answers")
    }

    pub(crate) async fn try_ask<T: FromRedisValue>(&self, command: &Cmd) -> redis::RedisResult<T> {
        let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(30)));
        let client = redis::Client::open(self.address())?;
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        command.query_async(&mut connection).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut child = self.child.lock();
        // It may have ended.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// The program; `STOA_REDIS_SERVER` names another one, as Valkey's.
#[expect(clippy::disallowed_methods, reason = "a test may ask for another server")]
fn program() -> PathBuf {
    std::env::var("STOA_REDIS_SERVER").map_or_else(|_| "redis-server".into(), Into::into)
}

/// A port that is free, and whose bus of a cluster has a port as well: ten thousand above.
fn free_port() -> u16 {
    loop {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("its address").port();
        if port < 55_000 && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
            return port;
        }
    }
}

fn run(folder: &Path, arguments: &[String]) -> Child {
    let mut child = Command::new(program())
        .args(arguments)
        .args(["--bind", "127.0.0.1", "--dir"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed (scripts/tools.sh does it)");
    let log = child.stdout.take().expect("its log is ours");
    let mut lines = BufReader::new(log).lines();
    let mut said = String::new();
    let is_ready = lines.by_ref().map_while(Result::ok).any(|line| {
        said.push_str(&line);
        said.push('\n');
        line.contains("eady to accept connections") || line.contains("Sentinel ID is")
    });
    assert!(is_ready, "redis-server ended: {said}");
    // It must not wait for somebody to read its log.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

/// A prefix that no other test has.
pub(crate) fn prefix() -> String {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    format!("test-{}", LAST.fetch_add(1, Ordering::Relaxed))
}

/// Asks again and again until the answer is yes.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = tokio::time::Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(tokio::time::Instant::now() < end, "{what}");
        // These servers talk to one another and tell nobody when they have.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
