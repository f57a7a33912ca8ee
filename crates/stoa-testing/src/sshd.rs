//! A real ssh server.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// `sshd` on a free port of 127.0.0.1, as the user who runs the test, with a key of its own, letting in one key. Dropping
/// it stops it.
#[derive(Debug)]
pub struct Sshd {
    child: Child,
    port: u16,
    user: String,
    directory: TempDir,
}

impl Sshd {
    /// Starts it and waits until it listens.
    pub fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let at = |name: &str| directory.path().join(name);
        for name in ["host", "client", "stranger"] {
            make_key(&at(name));
        }
        fs::copy(at("client.pub"), at("authorized_keys")).unwrap();
        let user = told("id", &["-un"]);
        if user == "root" {
            // It insists on it when it runs as root.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {0}/host\nAuthorizedKeysFile {0}/authorized_keys\n\
             PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin yes\nLogLevel VERBOSE\n",
            directory.path().display()
        );
        fs::write(at("sshd_config"), config).unwrap();
        let mut child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(at("sshd_config"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sshd is installed by scripts/tools.sh");
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut all = String::new();
        while !all.contains("Server listening on") {
            assert!(said.read_line(&mut all).unwrap() > 0, "sshd ended: {all}");
        }
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        let known = fs::read_to_string(at("host.pub")).unwrap();
        fs::write(at("known_hosts"), format!("[127.0.0.1]:{port} {known}")).unwrap();
        let wrong = fs::read_to_string(at("stranger.pub")).unwrap();
        fs::write(at("wrong_hosts"), format!("[127.0.0.1]:{port} {wrong}")).unwrap();
        Self {
            child,
            port,
            user,
            directory,
        }
    }

    /// `127.0.0.1:PORT`.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The address of a repository in a folder of this machine.
    pub fn url(&self, folder: &Path) -> String {
        format!("ssh://{}@{}{}", self.user, self.authority(), folder.display())
    }

    /// A file: `client`, the key that is let in; `stranger`, one that is not; `known_hosts`; `wrong_hosts`, with another
    /// key than the server's.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn make_key(path: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
        .arg(path)
        .status();
    assert!(
        made.expect("ssh-keygen is installed by scripts/tools.sh")
            .success()
    );
}

fn told(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
