//! A scripted module proxy.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::content::Content;
use crate::fixtures::ModuleFixture;
use crate::reply::Reply;

mod answer;
mod connection;
mod listener;
mod state;

pub use state::Request;

use listener::Listener;
use state::State;

/// How long the waiting methods wait before they fail the test.
const DEADLINE: Duration = Duration::from_secs(30);

/// An HTTP server on a port of 127.0.0.1 that answers as the test tells it to.
///
/// It has a thread of its own, so tests may block. For a path it takes, in this order: the next
/// reply of its script, the standing reply, the file, what [`Upstream::answer_with`] says, and otherwise 404. Paths are given and
/// logged without percent-encoding and without the query (`/example.com/!upper/@v/list`).
///
/// Dropping it stops it. It keeps at most 1024 connections, each for at most 15 minutes, takes
/// request bodies up to 16 MiB and logs the first 100,000 requests.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    state: Arc<State>,
    listener: Mutex<Option<Listener>>,
}

impl Upstream {
    /// Starts a server that knows nothing yet.
    #[expect(
        clippy::unused_async,
        reason = "callers need not know that binding does not wait"
    )]
    pub async fn start() -> Self {
        Self::start_blocking()
    }

    /// [`Upstream::start`] for tests without a runtime.
    pub fn start_blocking() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port on 127.0.0.1");
        let address = socket.local_addr().unwrap();
        let state = Arc::new(State::default());
        let listener = Listener::start(socket, Arc::clone(&state));
        Self {
            address,
            state,
            listener: Mutex::new(Some(listener)),
        }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves these bytes at a path, with the content type a module proxy gives to such a path.
    pub fn file(&self, path: &str, content: impl Into<Content>) -> &Self {
        self.state.edit(|routes| routes.file(path, content.into()));
        self
    }

    /// Serves a module version: `.info`, `.mod`, `.zip`; `list` and `@latest` follow from all the
    /// versions of the module that were given.
    pub fn module(&self, fixture: &ModuleFixture) -> &Self {
        self.state.edit(|routes| routes.module(fixture));
        self
    }

    /// Serves several module versions.
    pub fn modules<'a>(&self, fixtures: impl IntoIterator<Item = &'a ModuleFixture>) -> &Self {
        fixtures.into_iter().for_each(|fixture| {
            self.module(fixture);
        });
        self
    }

    /// Answers the next requests for a path with these replies, one each.
    pub fn script(&self, path: &str, replies: impl IntoIterator<Item = Reply>) -> &Self {
        self.state.edit(|routes| routes.script(path, replies));
        self
    }

    /// Answers every request for a path with this reply.
    pub fn on(&self, path: &str, reply: Reply) -> &Self {
        self.state.edit(|routes| routes.on(path, reply));
        self
    }

    /// Answers every request with this reply, whatever the path, before all scripts and files.
    pub fn on_everything(&self, reply: Reply) -> &Self {
        self.state.edit(|routes| routes.on_everything(Some(reply)));
        self
    }

    /// Asks this for the answer to every request that has no script, standing reply or file.
    pub fn answer_with(&self, answer: impl Fn(&Request) -> Reply + Send + 'static) -> &Self {
        self.state.edit(|routes| routes.answer_with(answer));
        self
    }

    /// Takes back [`Upstream::on`] for this path and [`Upstream::on_everything`].
    pub fn recover(&self, path: &str) -> &Self {
        self.state.edit(|routes| routes.recover(path));
        self
    }

    /// All requests so far, in the order they came.
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests()
    }

    /// How many requests for this path have come.
    pub fn count(&self, path: &str) -> usize {
        self.state.counted(|counts| counts.of(path).arrived)
    }

    /// How many requests have come.
    pub fn total(&self) -> usize {
        self.state.counted(|counts| counts.total)
    }

    /// How many connections have been accepted.
    pub fn connections(&self) -> usize {
        self.state.counted(|counts| counts.connections)
    }

    /// The most requests that were being answered at one time.
    pub fn peak_in_flight(&self) -> usize {
        self.state.counted(|counts| counts.peak_in_flight)
    }

    /// How many requests for this path were not answered to the end, because the client hung up or
    /// closed its half of the connection, or because the server was killed.
    pub fn hang_ups(&self, path: &str) -> usize {
        self.state.counted(|counts| counts.of(path).hang_ups)
    }

    /// Forgets the log and the counts.
    pub fn forget_requests(&self) {
        self.state.forget();
    }

    /// Waits until `count` requests for this path have come.
    pub async fn arrived(&self, path: &str, count: usize) {
        self.wait(&format!("{count} requests for {path}"), |counts| {
            counts.of(path).arrived >= count
        })
        .await;
    }

    /// Waits until [`Upstream::hang_ups`] has come to `count` for this path.
    pub async fn hung_up(&self, path: &str, count: usize) {
        self.wait(&format!("{count} clients that hang up on {path}"), |counts| {
            counts.of(path).hang_ups >= count
        })
        .await;
    }

    async fn wait(&self, what: &str, reached: impl FnMut(&state::Counts) -> bool) {
        if tokio::time::timeout(DEADLINE, self.state.wait(reached))
            .await
            .is_err()
        {
            let seen: Vec<_> = self
                .requests()
                .into_iter()
                .map(|request| request.line())
                .collect();
            panic!("waited in vain for {what}; the requests were {seen:#?}");
        }
    }

    /// Stops listening and cuts every connection. When it returns, connections are refused.
    pub fn kill(&self) {
        drop(self.listener.lock().unwrap().take());
    }

    /// Listens again where it did, with the same files, scripts and log.
    pub fn restart_same_port(&self) {
        self.kill();
        let started = Instant::now();
        let socket = loop {
            match TcpListener::bind(self.address) {
                Ok(socket) => break socket,
                // An outgoing connection of some other test may hold the port for a moment.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && started.elapsed() < DEADLINE => {
                    std::thread::yield_now();
                }
                Err(error) => panic!("cannot listen on {} again: {error}", self.address),
            }
        };
        *self.listener.lock().unwrap() = Some(Listener::start(socket, Arc::clone(&self.state)));
    }
}
