//! A web server with git repositories and pages, on this machine only, that may want a credential.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request that came in.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Method and target.
    pub line: String,
    /// What was presented.
    pub authorization: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    root: PathBuf,
    /// The `Authorization` that is wanted of everybody.
    wanted: Mutex<Option<String>>,
    pages: Mutex<HashMap<String, String>>,
    /// Where everything is instead.
    elsewhere: Mutex<Option<String>>,
    seen: Mutex<Vec<Seen>>,
    connections: Mutex<usize>,
}

/// Serves the repositories below a folder over HTTP, by `git http-backend`, and pages. It ends with the process.
#[derive(Clone, Debug)]
pub struct GitHttp {
    address: SocketAddr,
    state: Arc<State>,
}

impl GitHttp {
    /// Starts serving, to everybody.
    pub fn start(root: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            root: root.to_owned(),
            ..State::default()
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                *shared.connections.lock().unwrap() += 1;
                let state = Arc::clone(&shared);
                // A client that goes away is no concern of ours.
                thread::spawn(move || drop(answer(&state, stream)));
            }
        });
        Self { address, state }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers 401 to whoever does not present this `Authorization`.
    pub fn guard(&self, authorization: &str) -> &Self {
        *self.state.wanted.lock().unwrap() = Some(authorization.to_owned());
        self
    }

    /// Has a page at a path.
    pub fn page(&self, path: &str, html: &str) -> &Self {
        let mut pages = self.state.pages.lock().unwrap();
        pages.insert(path.to_owned(), html.to_owned());
        self
    }

    /// Sends whoever is let in to another server, the same path there; `None` ends that.
    pub fn elsewhere(&self, base: Option<&str>) -> &Self {
        *self.state.elsewhere.lock().unwrap() = base.map(str::to_owned);
        self
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// How many connections have been accepted.
    pub fn connections(&self) -> usize {
        *self.state.connections.lock().unwrap()
    }
}

struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    fn read(stream: &TcpStream) -> io::Result<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut request = Self {
            line: line.trim().to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.trim().split_once(": ") else {
                break;
            };
            request
                .headers
                .push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let length = request
            .header("content-length")
            .and_then(|text| text.parse().ok());
        if let Some(length) = length {
            reader.take(length).read_to_end(&mut request.body)?;
        } else if request.header("transfer-encoding").is_some() {
            loop {
                let mut size = String::new();
                reader.read_line(&mut size)?;
                let size = u64::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
                reader.by_ref().take(size).read_to_end(&mut request.body)?;
                reader.read_line(&mut String::new())?;
                if size == 0 {
                    break;
                }
            }
        }
        Ok(request)
    }
}

fn answer(state: &State, mut stream: TcpStream) -> io::Result<()> {
    let request = Request::read(&stream)?;
    let mut words = request.line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let authorization = request.header("authorization").map(str::to_owned);
    state.seen.lock().unwrap().push(Seen {
        line: format!("{method} {target}"),
        authorization: authorization.clone(),
    });
    let wanted = state.wanted.lock().unwrap().clone();
    if wanted.is_some() && wanted != authorization {
        let ask = "WWW-Authenticate: Basic realm=\"test\"\r\n";
        return stream.write_all(&reply("401 Unauthorized", ask, b"who are you"));
    }
    let elsewhere = state.elsewhere.lock().unwrap().clone();
    if let Some(base) = elsewhere {
        let location = format!("Location: {base}{target}\r\n");
        return stream.write_all(&reply("302 Found", &location, b""));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let page = state.pages.lock().unwrap().get(path).cloned();
    let whole = match page {
        Some(html) => reply("200 OK", "Content-Type: text/html\r\n", html.as_bytes()),
        None => backend(&state.root, &request, (method, path, query))?,
    };
    stream.write_all(&whole)
}

fn reply(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn backend(root: &Path, request: &Request, (method, path, query): (&str, &str, &str)) -> io::Result<Vec<u8>> {
    let header = |name| request.header(name).unwrap_or_default();
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", method)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take().expect("a pipe");
    let body = request.body.clone();
    let writer = thread::spawn(move || drop(stdin.write_all(&body)));
    let output = child.wait_with_output()?.stdout;
    writer.join().expect("no panic");
    let split = output.windows(4).position(|part| part == b"\r\n\r\n");
    let split = split.unwrap_or(output.len());
    let head = String::from_utf8_lossy(&output[..split]).into_owned();
    let (mut status, mut headers) = ("200 OK", String::new());
    for line in head.lines() {
        match line.strip_prefix("Status: ") {
            Some(said) => status = said,
            None => headers.push_str(&format!("{line}\r\n")),
        }
    }
    Ok(reply(
        status,
        &headers,
        output.get(split + 4..).unwrap_or_default(),
    ))
}
