//! The real Redis, or Valkey.

use std::{
    io::{BufRead as _, BufReader},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tempfile::TempDir;

/// A Redis on a port of 127.0.0.1 with its files in a folder of its own. It goes with the test.
pub struct Redis {
    port: u16,
    folder: TempDir,
    arguments: Vec<String>,
    child: Mutex<Child>,
}

impl Redis {
    /// A Redis that loses nothing that it has confirmed.
    pub fn start() -> Self {
        Self::with(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    /// A Redis with these options.
    pub fn with(options: &[&str]) -> Self {
        let port = free_port();
        let text = port.to_string();
        let arguments = [&["--save", "", "--port", &text][..], options].concat();
        Self::begin(port, folder(), &arguments)
    }

    /// A Redis that speaks TLS only, with this certificate and key (PEM).
    pub fn with_tls(certificate: &str, key: &str) -> Self {
        let folder = folder();
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
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
        Self::begin(port, folder, &arguments)
    }

    /// A Sentinel that watches the master `main` on a port.
    pub fn sentinel(master: u16) -> Self {
        let folder = folder();
        let file = folder.path().join("sentinel.conf");
        let settings =
            format!("sentinel monitor main 127.0.0.1 {master} 1\nsentinel failover-timeout main 10000\n");
        std::fs::write(&file, settings).unwrap();
        let (port, file) = (free_port(), file.display().to_string());
        let text = port.to_string();
        Self::begin(port, folder, &[&file, "--port", &text, "--sentinel"])
    }

    fn begin(port: u16, folder: TempDir, arguments: &[&str]) -> Self {
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let child = Mutex::new(run(folder.path(), &arguments));
        Self {
            port,
            folder,
            arguments,
            child,
        }
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
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
        *self.child() = run(self.folder.path(), &self.arguments);
    }

    /// Sends a command, and gives back the first line of its answer without looking at the rest, as of `SHUTDOWN NOSAVE`.
    /// Such a line is empty when the server has ended.
    #[expect(clippy::disallowed_methods, reason = "a test speaks with a server of its own")]
    pub fn tell(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        std::io::Write::write_all(&mut stream, format!("{command}\r\n").as_bytes()).unwrap();
        let mut line = String::new();
        let _ = BufReader::new(stream).read_line(&mut line);
        line.trim_end().to_owned()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let mut child = self.child();
        // It may have ended.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The program; `STOA_REDIS_SERVER` names another one, as Valkey's.
#[expect(clippy::disallowed_methods, reason = "a test may ask for another server")]
fn program() -> PathBuf {
    std::env::var("STOA_REDIS_SERVER").map_or_else(|_| "redis-server".into(), Into::into)
}

/// A port that is free, and whose bus of a cluster has a port as well: ten thousand above.
fn free_port() -> u16 {
    loop {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
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
    let log = child.stdout.take().unwrap();
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
