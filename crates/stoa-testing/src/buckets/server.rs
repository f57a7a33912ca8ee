//! A program that serves on a port of 127.0.0.1 and goes with the test.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(90);

/// A server in a process group of its own, with its files in a folder of its own.
pub(super) struct Server {
    pub(super) port: u16,
    pub(super) folder: TempDir,
    child: Mutex<Child>,
    make: Box<Make>,
}

/// What starts a server, given its port and its folder.
type Make = dyn Fn(u16, &std::path::Path) -> Command + Send + Sync;

impl Server {
    /// Starts what `make` makes of a port and a folder, and waits until it answers `GET path` with anything.
    pub(super) fn start(
        path: &str,
        make: impl Fn(u16, &std::path::Path) -> Command + Send + Sync + 'static,
    ) -> Self {
        let port = free_port();
        let folder = tempfile::tempdir().unwrap();
        let child = Mutex::new(spawn(make(port, folder.path()), folder.path()));
        let server = Self {
            port,
            folder,
            child,
            make: Box::new(make),
        };
        server.wait(path);
        server
    }

    fn wait(&self, path: &str) {
        let began = Instant::now();
        while request(
            self.port,
            &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"),
        )
        .is_none()
        {
            let ended = self
                .child
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .try_wait()
                .unwrap();
            let said = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(ended.is_none(), "the server ended: {}", said());
            assert!(began.elapsed() < START, "the server does not answer: {}", said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it at once, with all that it started.
    pub(super) fn kill(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let group = format!("-{}", child.id());
        let _ = Command::new("kill")
            .args(["-9", "--", &group])
            .stderr(Stdio::null())
            .status();
        let _ = child.wait();
    }

    /// Starts it again on the same port with the same files.
    pub(super) fn restart(&self, path: &str) {
        self.kill();
        let command = (self.make)(self.port, self.folder.path());
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = spawn(command, self.folder.path());
        self.wait(path);
    }

    /// Sends a request without a body, and gives back the first line of the answer.
    pub(super) fn ask(&self, head: &str) -> String {
        let text = format!(
            "{head}\r\nHost: 127.0.0.1:{}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            self.port
        );
        let answer = request(self.port, &text).expect("the server answers");
        answer.lines().next().unwrap_or_default().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(mut command: Command, folder: &std::path::Path) -> Child {
    let log = std::fs::File::create(folder.join("log")).unwrap();
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .process_group(0);
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error} (scripts/tools.sh installs it)"))
}

/// The answer, if there is one.
#[expect(clippy::disallowed_methods, reason = "a test speaks with a server of its own")]
fn request(port: u16, text: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(text.as_bytes()).ok()?;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    (!answer.is_empty()).then(|| String::from_utf8_lossy(&answer).into_owned())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}
