//! A web server with git repositories and pages, on this machine only, that may want a credential or misbehave.

pub(crate) mod backend;
mod fault;
pub(crate) mod request;

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use self::backend::{backend, reply};
pub use self::fault::Fault;
use self::request::Request;

/// How requests are answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// By pages, and `git http-backend` where there is none.
    #[default]
    Serve,
    /// The same by a git that does not know version 2 of the protocol, so that it gives only what refs name.
    Old,
    /// As files, as any web server does.
    Files,
    /// With a redirect to the same path of the server at this base URL.
    Redirect(String),
    /// Like `Serve`, but what is asked below this path has moved to the same path without it, as everybody is told.
    Moved(String),
    /// Like `Serve`, but all that is no GET fails.
    FailPosts,
    /// Everything with this status line, to which headers may be added: `429 Too Many Requests\r\nRetry-After: 2`.
    Refuse(&'static str),
    /// Never: the connection stays open.
    Hang,
    /// Like `Serve`, but a request for a pack is never answered.
    HangPacks,
    /// Like `Serve`, but the answer to one request, counted from 0 since the last [`clear`](GitHttp::clear), is not what it
    /// should be.
    Fault(usize, Fault),
}

/// A request that came in.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Method and target.
    pub line: String,
    /// The `Authorization` that came with it.
    pub authorization: Option<String>,
    /// The body, whole.
    pub body: Vec<u8>,
    /// How many bytes it was answered with.
    pub sent: usize,
}

#[derive(Debug, Default)]
struct State {
    root: PathBuf,
    manner: Mutex<Manner>,
    /// The `Authorization` that is wanted of every client.
    guard: Mutex<Option<String>>,
    pages: Mutex<HashMap<String, String>>,
    seen: Mutex<Vec<Seen>>,
}

/// Serves the repositories below a folder over HTTP, by `git http-backend`, and pages. It ends with the process.
#[derive(Clone, Debug)]
pub struct GitHttp {
    address: SocketAddr,
    state: Arc<State>,
}

impl GitHttp {
    /// Starts serving every client.
    pub fn start(root: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            root: root.to_owned(),
            ..State::default()
        });
        let accepting = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&accepting);
                // A client that goes away is no failure of the test.
                thread::spawn(move || drop(state.answer(stream)));
            }
        });
        Self { address, state }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers like this from now on.
    pub fn set(&self, manner: Manner) {
        *self.state.manner.lock().unwrap() = manner;
    }

    /// Answers 401 to requests without this `Authorization` from now on.
    pub fn guard(&self, authorization: &str) -> &Self {
        *self.state.guard.lock().unwrap() = Some(authorization.to_owned());
        self
    }

    /// Wants no `Authorization` any more.
    pub fn unguard(&self) -> &Self {
        *self.state.guard.lock().unwrap() = None;
        self
    }

    /// Has a page at a path.
    pub fn page(&self, path: &str, html: &str) -> &Self {
        let mut pages = self.state.pages.lock().unwrap();
        pages.insert(path.to_owned(), html.to_owned());
        self
    }

    /// All requests since the start or the last [`clear`](Self::clear).
    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// Forgets the requests so far. There must be none under way.
    pub fn clear(&self) {
        self.state.seen.lock().unwrap().clear();
    }

    /// How many bytes all answers had.
    pub fn sent(&self) -> usize {
        self.seen().iter().map(|seen| seen.sent).sum()
    }

    /// How many requests for refs there were, with which each run of git begins.
    pub fn runs(&self) -> usize {
        let is_run = |seen: &&Seen| seen.line.contains("info/refs");
        self.seen().iter().filter(is_run).count()
    }
}

impl State {
    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        let request = Request::read(&stream)?;
        let index = self.note(&request);
        let manner = self.manner.lock().unwrap().clone();
        let Some(mut answer) = self.answer_to(&request, &manner)? else {
            // Until the client goes away.
            return stream.read(&mut [0]).map(drop);
        };
        if let Some(seen) = self.seen.lock().unwrap().get_mut(index) {
            seen.sent = answer.len();
        }
        if let Manner::Fault(which, fault) = &manner
            && *which == index
        {
            answer = fault.of(answer);
            stream.write_all(&answer)?;
            return fault.end(&stream);
        }
        stream.write_all(&answer)
    }

    /// Remembers the request, and says under which number.
    fn note(&self, request: &Request) -> usize {
        let mut seen = self.seen.lock().unwrap();
        seen.push(Seen {
            line: format!("{} {}", request.method(), request.target()),
            authorization: request.header("authorization").map(str::to_owned),
            body: request.body.clone(),
            sent: 0,
        });
        seen.len() - 1
    }

    /// The whole answer; `None` if there is never one.
    fn answer_to(&self, request: &Request, manner: &Manner) -> io::Result<Option<Vec<u8>>> {
        let is_for_pack = || request.body.windows(13).any(|part| part == b"command=fetch");
        if *manner == Manner::Hang || (*manner == Manner::HangPacks && is_for_pack()) {
            return Ok(None);
        }
        if let Manner::Moved(from) = manner
            && let Some(rest) = request.target().strip_prefix(from)
        {
            let location = format!("Location: {rest}\r\n");
            return Ok(Some(reply("301 Moved Permanently", &location, b"")));
        }
        if let Manner::Refuse(status) = manner {
            return Ok(Some(reply(status, "Content-Type: text/plain\r\n", b"not now\n")));
        }
        if *manner == Manner::FailPosts && request.method() == "POST" {
            return Ok(Some(reply("500 Internal Server Error", "", b"")));
        }
        let guard = self.guard.lock().unwrap().clone();
        if guard.is_some() && guard.as_deref() != request.header("authorization") {
            let ask = "WWW-Authenticate: Basic realm=\"test\"\r\n";
            return Ok(Some(reply("401 Unauthorized", ask, b"who are you")));
        }
        if let Manner::Redirect(base) = manner {
            let location = format!("Location: {base}{}\r\n", request.target());
            return Ok(Some(reply("302 Found", &location, b"")));
        }
        let page = self.pages.lock().unwrap().get(request.path()).cloned();
        if let Some(html) = page {
            return Ok(Some(reply(
                "200 OK",
                "Content-Type: text/html\r\n",
                html.as_bytes(),
            )));
        }
        Ok(Some(match manner {
            Manner::Files => file(&self.root.join(request.path().trim_start_matches('/'))),
            _ => backend(&self.root, request, *manner == Manner::Old)?,
        }))
    }
}

fn file(path: &Path) -> Vec<u8> {
    match fs::read(path) {
        Ok(data) => reply("200 OK", "", &data),
        Err(_) => reply("404 Not Found", "", b""),
    }
}
