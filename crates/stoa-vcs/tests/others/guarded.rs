//! Repositories of hg, svn and bzr that want a password.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use stoa_vcs::conformance::Workspace;
use stoa_vcs::{
    BzrRepository, Credential, Credentials, FossilRepository, HgRepository, Repository, RepositoryOptions,
    SvnRepository, VcsError,
};

const USER: &str = "bot";
/// With what configuration files could take for their own.
const SECRET: &str = "canary %(x)s $HOME #,;' =";

#[derive(Debug)]
struct Known(Credential);

#[async_trait]
impl Credentials for Known {
    async fn for_url(&self, _: &str) -> Option<Credential> {
        Some(self.0.clone())
    }
}

fn options(work: &Workspace, password: &str) -> RepositoryOptions {
    let mut options = work.options();
    options.credentials = Some(Arc::new(Known(Credential::Basic {
        user: USER.to_owned(),
        password: password.to_owned(),
    })));
    options
}

/// What is behind the guard.
#[derive(Clone, Debug)]
pub(crate) enum Behind {
    Files(PathBuf),
    Server(String),
    /// Everything is at another server.
    Elsewhere(String),
}

/// A web server that lets in who knows the password.
pub(crate) struct Guard {
    pub(crate) base: String,
    seen: Arc<Mutex<Vec<Option<String>>>>,
}

impl Guard {
    fn start(behind: Behind) -> Self {
        Self::serve(behind, true)
    }

    /// One that lets in everybody.
    pub(crate) fn open_to_all(behind: Behind) -> Self {
        Self::serve(behind, false)
    }

    fn serve(behind: Behind, closed: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::<Mutex<Vec<_>>>::default();
        let log = Arc::clone(&seen);
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (behind, log) = (behind.clone(), Arc::clone(&log));
                thread::spawn(move || answer(&behind, closed, &log, stream));
            }
        });
        Self { base, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Option<String>> {
        self.seen.lock().expect("no panic").clone()
    }
}

fn answer(
    behind: &Behind,
    closed: bool,
    log: &Mutex<Vec<Option<String>>>,
    mut stream: TcpStream,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let shown = head.iter().find_map(|line| authorization(line));
    let shown = shown.map(str::to_owned);
    log.lock().expect("no panic").push(shown.clone());
    let wanted = format!("Basic {}", BASE64_STANDARD.encode(format!("{USER}:{SECRET}")));
    let target = head.first()?.split(' ').nth(1)?.to_owned();
    let reply = match behind {
        Behind::Elsewhere(base) => {
            format!("HTTP/1.1 302 Go\r\nLocation: {base}{target}\r\nContent-Length: 0\r\n")
        }
        _ if closed && shown.as_ref() != Some(&wanted) => {
            "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\nContent-Length: 0\r\n".to_owned()
        }
        Behind::Server(address) => return forward(address, &head, &mut stream),
        Behind::Files(root) => match std::fs::read(root.join(target.trim_start_matches('/'))) {
            Ok(data) => {
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    data.len()
                );
                return stream.write_all(&[head.as_bytes(), &data].concat()).ok();
            }
            Err(_) => "HTTP/1.1 404 None\r\nContent-Length: 0\r\n".to_owned(),
        },
    };
    stream
        .write_all(format!("{reply}Connection: close\r\n\r\n").as_bytes())
        .ok()
}

fn authorization(line: &str) -> Option<&str> {
    let (name, value) = line.split_once(": ")?;
    name.eq_ignore_ascii_case("authorization").then_some(value)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server behind the one that is tested with"
)]
fn forward(address: &str, head: &[String], stream: &mut TcpStream) -> Option<()> {
    let mut server = TcpStream::connect(address).ok()?;
    let ours = |line: &&String| {
        !line.to_ascii_lowercase().starts_with("connection: ") && authorization(line).is_none()
    };
    let kept: Vec<_> = head.iter().filter(ours).cloned().collect();
    let text = format!("{}\r\nConnection: close\r\n\r\n", kept.join("\r\n"));
    server.write_all(text.as_bytes()).ok()?;
    std::io::copy(&mut server, stream).ok().map(drop)
}

/// A server of a system, which is killed in the end.
pub(crate) struct Served {
    child: Child,
    pub(crate) address: String,
}

impl Served {
    /// Starts a program that prints where it listens, or that is told a port.
    pub(crate) fn hg(repo: &Path) -> Self {
        let mut child = Command::new("hg")
            .args([
                "serve",
                "--address",
                "127.0.0.1",
                "--port",
                "0",
                "--print-url",
                "--accesslog",
                "/dev/null",
            ])
            .current_dir(repo)
            .env("HGRCPATH", "/dev/null")
            .env("HGPLAIN", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("hg is installed");
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().expect("a pipe"));
        said.read_line(&mut line).expect("it says where");
        let port = line.trim().trim_end_matches('/').rsplit(':').next();
        let address = format!("127.0.0.1:{}", port.expect("a port"));
        Self { child, address }
    }

    /// `bzr serve`, of what is below a folder.
    pub(crate) fn bzr(root: &Path) -> Self {
        Self::listening(|port| {
            let mut command = Command::new("bzr");
            command
                .args([
                    "serve",
                    "--no-plugins",
                    "--bzr",
                    "--listen",
                    "127.0.0.1",
                    "--port",
                    port,
                ])
                .arg("--directory")
                .arg(root)
                .env("BRZ_LOG", "/dev/null")
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command
        })
    }

    pub(crate) fn svn(root: &Path) -> Self {
        Self::listening(|port| {
            let mut command = Command::new("svnserve");
            command
                .args(["--daemon", "--foreground", "--listen-host", "127.0.0.1"])
                .args(["--listen-port", port, "--root"])
                .arg(root);
            command
        })
    }

    pub(crate) fn fossil(file: &Path) -> Self {
        Self::listening(|port| {
            let mut command = Command::new("fossil");
            command
                .args(["server", "--localhost", "--port", port])
                .arg(file)
                .env("USER", "stoa")
                .env("HOME", file.parent().expect("a folder"))
                .stdout(Stdio::null());
            command
        })
    }

    /// Starts a program that is told its port, and waits until it listens.
    #[expect(clippy::disallowed_methods, reason = "a look whether the server listens")]
    fn listening(command: impl FnOnce(&str) -> Command) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = port.local_addr().expect("an address");
        drop(port);
        let child = command(&address.port().to_string()).spawn();
        let mut child = child.expect("hg, svn, bzr and fossil are installed");
        while TcpStream::connect(address).is_err() {
            let ended = child.try_wait().expect("a program");
            assert!(ended.is_none(), "the server has ended: {ended:?}");
            thread::yield_now();
        }
        Self {
            child,
            address: address.to_string(),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether it stays out with a wrong password and says so without it, and leaves no secret on the disk.
async fn assert_kept_out(work: &Workspace, repository: impl Repository) {
    let error = repository.latest().await.expect_err("it stays out");
    assert!(matches!(error, VcsError::Failed { .. }), "{error}");
    assert!(!error.to_string().contains("wrong-4711"), "{error}");
    assert_clean(work);
}

fn assert_clean(work: &Workspace) {
    for folder in ["home", "cache"] {
        let text = Command::new("grep")
            .args(["-rlE", "canary|wrong-4711"])
            .arg(work.path(folder))
            .output();
        let found = text.expect("grep runs").stdout;
        assert!(found.is_empty(), "{}", String::from_utf8_lossy(&found));
    }
}

/// It gets in, again and again; stays out with a wrong password; and takes the right one nowhere else.
async fn assert_password_is_for_one_server<R: Repository>(
    work: &Workspace,
    guard: &Guard,
    open: impl Fn(&str, &str) -> R,
) {
    let repository = open(&guard.base, SECRET);
    assert_eq!(
        repository.stat("v1.0.0").await.expect("it gets in").version,
        "v1.0.0"
    );
    repository.tags("").await.expect("it gets in again");
    assert_clean(work);
    assert_kept_out(work, open(&guard.base, "wrong-4711")).await;
    let elsewhere = Guard::start(Behind::Elsewhere(guard.base.clone()));
    let before = guard.seen().len();
    assert_kept_out(work, open(&elsewhere.base, SECRET)).await;
    let seen = guard.seen().split_off(before);
    assert!(!seen.is_empty() && seen.iter().all(Option::is_none), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hg_is_given_a_password_for_its_server_only() {
    let work = Workspace::new();
    work.script("hg init r; cd r; echo a >a; hg add -q; hg commit -qm one; hg tag v1.0.0");
    let served = Served::hg(&work.path("repo/r"));
    let guard = Guard::start(Behind::Server(served.address.clone()));
    let open = |base: &str, password: &str| {
        HgRepository::open(base, work.cache(), options(&work, password)).expect("an address")
    };
    assert_password_is_for_one_server(&work, &guard, open).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bzr_is_given_a_password_for_its_server_only() {
    let work = Workspace::new();
    work.script("bzr init -q r; cd r; echo a >a; bzr add -q; bzr commit -qm one; bzr tag -q v1.0.0");
    let guard = Guard::start(Behind::Files(work.path("repo")));
    let open = |base: &str, password: &str| {
        let url = format!("{base}/r");
        BzrRepository::open(&url, work.cache(), options(&work, password)).expect("an address")
    };
    assert_password_is_for_one_server(&work, &guard, open).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn svn_is_given_a_password() {
    let work = Workspace::new();
    work.script(&format!(
        "svnadmin create r; svn mkdir -q -m one file://$PWD/r/trunk; printf '[general]\\nanon-access = none\\npassword-db = passwd\\n' >r/conf/svnserve.conf; \
         printf '[users]\\n{USER} = {}\\n' >r/conf/passwd",
        "canary-4711"
    ));
    let served = Served::svn(&work.path("repo"));
    let url = format!("svn://{}/r", served.address);
    let open = |password: &str| {
        SvnRepository::open(&url, work.cache(), options(&work, password)).expect("an address")
    };
    let found = open("canary-4711").stat("1").await.expect("it gets in");
    assert_eq!(found.id.as_str(), "1");
    assert_clean(&work);
    assert_kept_out(&work, open("wrong-4711")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_cannot_be_given_is_refused() {
    let work = Workspace::new();
    let fossil = FossilRepository::open("https://127.0.0.1:1/r", work.cache(), options(&work, SECRET));
    let error = fossil.expect("an address").latest().await.expect_err("no way");
    assert!(
        error.to_string().contains("fossil cannot be given a password"),
        "{error}"
    );
    let mut options = work.options();
    options.credentials = Some(Arc::new(Known(Credential::Bearer {
        token: SECRET.to_owned(),
    })));
    let hg = HgRepository::open("https://127.0.0.1:1/r", work.cache(), options).expect("an address");
    let error = hg.latest().await.expect_err("no way");
    assert!(
        error.to_string().contains("hg cannot be given a token"),
        "{error}"
    );
}
