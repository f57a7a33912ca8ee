//! A web server for git, on this machine only, that can misbehave.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

/// How requests are answered.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// By `git http-backend`.
    Serve,
    /// The same, to who presents this `Authorization`.
    Guard(String),
    /// By `git http-backend` as before version 2 of the protocol, which gives nothing but what refs name.
    Old,
    /// Not at all.
    Hang,
    /// With a redirect to this server.
    Redirect(String),
    /// As files, as any web server would.
    Files,
    /// By `git http-backend`, but what `git-upload-pack` is asked for a pack never ends.
    HangPacks,
}

/// A request that came in.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Vec<u8>,
    /// How many bytes it was answered with.
    pub(crate) sent: usize,
}

#[derive(Debug)]
struct State {
    root: PathBuf,
    manner: Mutex<Manner>,
    seen: Mutex<Vec<Seen>>,
}

/// Serves the repositories below a folder.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) base: String,
    state: Arc<State>,
}

impl Server {
    pub(crate) fn start(root: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(State {
            root: root.to_owned(),
            manner: Mutex::new(Manner::Serve),
            seen: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || answer(&state, stream));
            }
        });
        Self { base, state }
    }

    pub(crate) fn set(&self, manner: Manner) {
        *self.state.manner.lock().expect("no panic") = manner;
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().expect("no panic").clone()
    }

    pub(crate) fn clear(&self) {
        self.state.seen.lock().expect("no panic").clear();
    }

    /// How many bytes all answers had.
    pub(crate) fn sent(&self) -> usize {
        self.seen().iter().map(|seen| seen.sent).sum()
    }

    /// How many requests for refs there were, with which each run of git begins.
    pub(crate) fn runs(&self) -> usize {
        self.seen()
            .iter()
            .filter(|seen| seen.line.contains("info/refs"))
            .count()
    }
}

fn answer(state: &State, mut stream: TcpStream) {
    let Some((seen, headers)) = request(&stream) else {
        return;
    };
    let manner = state.manner.lock().expect("no panic").clone();
    let index = {
        let mut all = state.seen.lock().expect("no panic");
        all.push(seen.clone());
        all.len() - 1
    };
    let path = seen.line.split(' ').nth(1).unwrap_or_default().to_owned();
    let is_fetch = seen.body.windows(13).any(|part| part == b"command=fetch");
    let reply = match manner {
        Manner::Hang => {
            let _ = stream.read(&mut [0]);
            return;
        }
        Manner::HangPacks if is_fetch => {
            let _ = stream.read(&mut [0]);
            return;
        }
        Manner::Guard(wanted) if seen.authorization.as_ref() != Some(&wanted) => {
            b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                .to_vec()
        }
        Manner::Redirect(to) => format!(
            "HTTP/1.1 302 Go\r\nLocation: {to}{path}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .into_bytes(),
        Manner::Files => file(state, &path),
        Manner::Old => {
            let headers: Vec<_> = headers.into_iter().filter(|(name, _)| name != "git-protocol").collect();
            backend(state, &seen, &headers)
        }
        _ => backend(state, &seen, &headers),
    };
    if let Some(seen) = state.seen.lock().expect("no panic").get_mut(index) {
        seen.sent = reply.len();
    }
    let _ = stream.write_all(&reply);
}

fn request(stream: &TcpStream) -> Option<(Seen, Vec<(String, String)>)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(": ") else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let get = |name: &str| {
        headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let mut body = Vec::new();
    if let Some(length) = get("content-length") {
        reader.take(length.parse().ok()?).read_to_end(&mut body).ok()?;
    } else if get("transfer-encoding").is_some() {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = u64::from_str_radix(size.trim(), 16).ok()?;
            reader.by_ref().take(size).read_to_end(&mut body).ok()?;
            reader.read_line(&mut String::new()).ok()?;
            if size == 0 {
                break;
            }
        }
    }
    let seen = Seen {
        line: line.trim().to_owned(),
        authorization: get("authorization"),
        body,
        sent: 0,
    };
    Some((seen, headers))
}

fn backend(state: &State, seen: &Seen, headers: &[(String, String)]) -> Vec<u8> {
    let mut words = seen.line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let get = |name: &str| {
        headers
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    };
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &state.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", method)
        .env("CONTENT_TYPE", get("content-type"))
        .env("CONTENT_LENGTH", seen.body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", get("content-encoding"))
        .env("GIT_PROTOCOL", get("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("git is installed");
    let mut stdin = child.stdin.take().expect("a pipe");
    let body = seen.body.clone();
    let writer = thread::spawn(move || drop(stdin.write_all(&body)));
    let output = child.wait_with_output().expect("it runs").stdout;
    writer.join().expect("no panic");
    let split = output
        .windows(4)
        .position(|part| part == b"\r\n\r\n")
        .unwrap_or(output.len());
    let head = String::from_utf8_lossy(&output[..split]).into_owned();
    let data = output.get(split + 4..).unwrap_or_default();
    let status = head
        .lines()
        .find_map(|line| line.strip_prefix("Status: "))
        .unwrap_or("200 OK");
    let kept: Vec<&str> = head.lines().filter(|line| !line.starts_with("Status")).collect();
    let rest = kept.join(
        "
",
    );
    let length = data.len();
    let mut reply =
        format!("HTTP/1.1 {status}\r\n{rest}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")
            .into_bytes();
    reply.extend_from_slice(data);
    reply
}

fn file(state: &State, path: &str) -> Vec<u8> {
    let path = path.split('?').next().unwrap_or_default().trim_start_matches('/');
    let (status, data) = match std::fs::read(state.root.join(path)) {
        Ok(data) => ("200 OK", data),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let length = data.len();
    let mut reply =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n").into_bytes();
    reply.extend_from_slice(&data);
    reply
}
