//! What the server answers with, and what it was asked.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Mutex;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::watch;

use crate::content::Content;
use crate::fixtures::{ModuleFixture, listing};
use crate::http::Headers;
use crate::reply::Reply;

/// How many requests are logged and counted by path.
const MAX_LOG: usize = 100_000;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The request target as it was written.
    pub target: String,
    /// The path: the target without percent-encoding and query.
    pub path: String,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
    /// When all of it had come.
    pub at: Instant,
}

impl Request {
    pub(super) fn new(start_line: &str, headers: Headers, body: Bytes) -> Self {
        let mut words = start_line.split(' ').map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = decode(target.split('?').next().unwrap_or_default());
        Self {
            method,
            target,
            path,
            headers,
            body,
            at: Instant::now(),
        }
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// Method and path.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// What there is to serve.
#[derive(Debug, Default)]
pub(super) struct Routes {
    everything: Option<Reply>,
    scripts: HashMap<String, VecDeque<Reply>>,
    standing: HashMap<String, Reply>,
    files: HashMap<String, Reply>,
    versions: HashMap<String, Vec<ModuleFixture>>,
    answerer: Option<Answerer>,
}

/// Answers what nothing else does.
struct Answerer(Box<dyn Fn(&Request) -> Reply + Send>);

impl fmt::Debug for Answerer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answerer")
    }
}

impl Routes {
    pub(super) fn file(&mut self, path: &str, body: Content) {
        let content_type = content_type(path).to_owned();
        self.files
            .insert(path.to_owned(), Reply::Ok { content_type, body });
    }

    pub(super) fn module(&mut self, fixture: &ModuleFixture) {
        let escaped = fixture.escaped_path();
        self.file(&fixture.url_path("info"), fixture.info().into());
        self.file(&fixture.url_path("mod"), fixture.go_mod().into());
        self.file(&fixture.url_path("zip"), fixture.zip());
        let versions = self.versions.entry(escaped.clone()).or_default();
        versions.retain(|other| other.version() != fixture.version());
        versions.push(fixture.clone());
        let names = versions.iter().map(ModuleFixture::version).collect::<Vec<_>>();
        let list = listing::list(&names);
        let latest = listing::latest(&names);
        let info = versions
            .iter()
            .find(|other| other.version() == latest)
            .map(ModuleFixture::info);
        self.file(&format!("/{escaped}/@v/list"), list.into());
        self.file(
            &format!("/{escaped}/@latest"),
            info.expect("the latest is one of them").into(),
        );
    }

    pub(super) fn script(&mut self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        self.scripts.entry(path.to_owned()).or_default().extend(replies);
    }

    pub(super) fn on(&mut self, path: &str, reply: Reply) {
        self.standing.insert(path.to_owned(), reply);
    }

    pub(super) fn on_everything(&mut self, reply: Option<Reply>) {
        self.everything = reply;
    }

    pub(super) fn recover(&mut self, path: &str) {
        self.standing.remove(path);
        self.everything = None;
    }

    pub(super) fn answer_with(&mut self, answer: impl Fn(&Request) -> Reply + Send + 'static) {
        self.answerer = Some(Answerer(Box::new(answer)));
    }

    fn reply(&mut self, request: &Request) -> Reply {
        let path = request.path.as_str();
        if let Some(reply) = &self.everything {
            return reply.clone();
        }
        let scripted = self.scripts.get_mut(path).and_then(VecDeque::pop_front);
        let standing = || self.standing.get(path).or_else(|| self.files.get(path)).cloned();
        scripted
            .or_else(standing)
            .or_else(|| self.answerer.as_ref().map(|Answerer(answer)| answer(request)))
            .unwrap_or_else(|| Reply::text(404, &format!("not found: {path}\n")))
    }
}

/// What happened to a path.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PathCount {
    pub(super) arrived: usize,
    pub(super) hang_ups: usize,
}

/// How often things happened.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) total: usize,
    pub(super) connections: usize,
    pub(super) peak_in_flight: usize,
    in_flight: usize,
    by_path: HashMap<String, PathCount>,
}

impl Counts {
    pub(super) fn of(&self, path: &str) -> PathCount {
        self.by_path.get(path).copied().unwrap_or_default()
    }
}

/// Shared by the test and the server's thread.
#[derive(Debug, Default)]
pub(super) struct State {
    routes: Mutex<Routes>,
    log: Mutex<Vec<Request>>,
    counts: watch::Sender<Counts>,
}

impl State {
    pub(super) fn edit(&self, edit: impl FnOnce(&mut Routes)) {
        edit(&mut self.routes.lock().unwrap());
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }

    pub(super) fn counted(&self, read: impl FnOnce(&Counts) -> usize) -> usize {
        read(&self.counts.borrow())
    }

    pub(super) async fn wait(&self, reached: impl FnMut(&Counts) -> bool) {
        self.counts
            .subscribe()
            .wait_for(reached)
            .await
            .expect("the sender is in self");
    }

    pub(super) fn forget(&self) {
        self.log.lock().unwrap().clear();
        self.counts.send_modify(|counts| {
            *counts = Counts {
                in_flight: counts.in_flight,
                ..Counts::default()
            };
        });
    }

    /// Counts a connection.
    pub(super) fn accepted(&self) {
        self.counts.send_modify(|counts| counts.connections += 1);
    }

    /// Logs a request and decides on its reply, in one step, so that waiting tests see both or neither.
    pub(super) fn arrive(&self, request: Request) -> Arrival<'_> {
        let reply = self.routes.lock().unwrap().reply(&request);
        let mut log = self.log.lock().unwrap();
        if log.len() < MAX_LOG {
            log.push(request.clone());
        }
        drop(log);
        self.counts.send_modify(|counts| {
            counts.total += 1;
            counts.in_flight += 1;
            counts.peak_in_flight = counts.peak_in_flight.max(counts.in_flight);
            if counts.total <= MAX_LOG {
                counts.by_path.entry(request.path.clone()).or_default().arrived += 1;
            }
        });
        Arrival {
            state: self,
            request,
            reply,
            finished: false,
        }
    }
}

/// A request in flight. Dropped unfinished, it counts as a client that hung up.
pub(super) struct Arrival<'a> {
    state: &'a State,
    pub(super) request: Request,
    pub(super) reply: Reply,
    finished: bool,
}

impl Arrival<'_> {
    pub(super) fn finish(&mut self) {
        self.finished = true;
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        self.state.counts.send_modify(|counts| {
            counts.in_flight = counts.in_flight.saturating_sub(1);
            if !self.finished
                && let Some(count) = counts.by_path.get_mut(&self.request.path)
            {
                count.hang_ups += 1;
            }
        });
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit(['.', '/']).next() {
        Some("info" | "@latest") => "application/json",
        Some("zip") => "application/zip",
        Some("mod" | "list") => "text/plain; charset=UTF-8",
        _ => "application/octet-stream",
    }
}

/// Percent-decoding; a `%` that starts no escape stays.
fn decode(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escape = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
