//! A server of a database that goes with the test.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use tempfile::TempDir;

/// Makes the command that starts a server, of its port and its folder.
type Make = Box<dyn Fn(u16, &TempDir) -> Command + Send + Sync>;

/// A server on a port of 127.0.0.1, with its files in a folder of its own.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) folder: TempDir,
    /// The signal that ends it, and all that it has started, at once.
    end: &'static str,
    /// What it says when it is ready.
    ready: &'static str,
    make: Make,
    child: Mutex<Option<Child>>,
}

impl Server {
    /// A server that is started by what `make` makes of a port and the folder.
    pub(crate) fn start(
        folder: TempDir,
        end: &'static str,
        ready: &'static str,
        make: impl Fn(u16, &TempDir) -> Command + Send + Sync + 'static,
    ) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: free.local_addr().unwrap().port(),
            folder,
            end,
            ready,
            make: Box::new(make),
            child: Mutex::default(),
        };
        drop(free);
        server.begin();
        server
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it, and waits until it is ready.
    fn begin(&self) {
        let mut command = (self.make)(self.port, &self.folder);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| missing(&command, &error));
        let log = child.stderr.take().unwrap();
        *self.child() = Some(child);
        let mut lines = BufReader::new(log).lines();
        let mut said = String::new();
        let is_ready = lines.by_ref().map_while(Result::ok).any(|line| {
            said.push_str(&line);
            said.push('\n');
            line.contains(self.ready)
        });
        assert!(is_ready, "the server ended: {said}");
        // It must not wait for somebody to read its log.
        std::thread::spawn(move || lines.for_each(drop));
    }

    /// Ends it at once. What it has confirmed is in its files.
    pub(crate) fn kill(&self) {
        self.signal(self.end);
        if let Some(mut child) = self.child().take() {
            child.wait().unwrap();
        }
    }

    /// Starts it again on the same port with the same files.
    pub(crate) fn restart(&self) {
        self.kill();
        self.begin();
    }

    /// Sends a signal, if it runs.
    pub(crate) fn signal(&self, name: &str) {
        if let Some(child) = &*self.child() {
            // Not reaped, so the number is still this process's. The shell's kill is built in.
            let kill = format!("kill -s {name} {}", child.id());
            let sent = Command::new("/bin/sh").args(["-c", &kill]).status().unwrap();
            assert!(sent.success(), "cannot send {name} to the server");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child().take() {
            let end = format!("kill -s CONT {0}; kill -s {1} {0}", child.id(), self.end);
            let sent = Command::new("/bin/sh").args(["-c", &end]).status();
            if !sent.is_ok_and(|sent| sent.success()) {
                let _ = child.kill();
            }
            let _ = child.wait();
        }
    }
}

/// Runs something to its end, which has to be a good one.
pub(crate) fn run(command: &mut Command) {
    let done = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| missing(command, &error));
    assert!(
        done.status.success(),
        "{}: {}{}",
        command.get_program().display(),
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

fn missing<A>(command: &Command, error: &std::io::Error) -> A {
    panic!(
        "{}: {error} (scripts/tools.sh installs it, or apt-get install postgresql-15 mariadb-server)",
        command.get_program().display()
    )
}
