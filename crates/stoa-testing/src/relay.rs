//! Stands between a client and a real server, and lets one thing go wrong.

mod http;
mod stream;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::git_http::Fault;

/// What is behind a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A web server at this address.
    Http(String),
    /// Files, as any web server has them.
    Files(PathBuf),
    /// A server at this address with a protocol of its own.
    Stream(String),
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    #[default]
    Nothing,
    /// The answer to one request of a web client, counted from 0 since the last [`clear`](Relay::clear).
    Answer(usize, Fault),
    /// After so many bytes of the server since the last [`clear`](Relay::clear), the connection ends, and whoever comes then
    /// finds nobody. Not for web clients.
    Cut(usize),
    /// The same, but the connection is reset.
    Reset(usize),
    /// From so many bytes of the answer to this request on, nothing comes any more. Not for streams.
    StallAnswer(usize, usize),
    /// From so many bytes of the server on, nothing comes any more. Not for web clients.
    Stall(usize),
}

/// A relay before a server. It ends with the process.
#[derive(Clone, Debug)]
pub struct Relay {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    origin: Mutex<Origin>,
    trouble: Mutex<Trouble>,
    /// How many bytes each answer had; those of a stream are one.
    sent: Mutex<Vec<usize>>,
}

impl Relay {
    /// Starts one before this server.
    pub fn start(origin: Origin) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            origin: Mutex::new(origin),
            trouble: Mutex::default(),
            sent: Mutex::default(),
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

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Stands before this server from now on.
    pub fn lead_to(&self, origin: Origin) {
        *self.state.origin.lock().unwrap() = origin;
    }

    /// Lets this go wrong from now on, and forgets what was sent. No request may be under way.
    pub fn set(&self, trouble: Trouble) {
        self.clear();
        *self.state.trouble.lock().unwrap() = trouble;
    }

    /// Forgets what was sent.
    pub fn clear(&self) {
        self.state.sent.lock().unwrap().clear();
    }

    /// How many bytes each answer had since the last [`clear`](Self::clear). All bytes of streams are one answer.
    pub fn sent(&self) -> Vec<usize> {
        self.state.sent.lock().unwrap().clone()
    }
}

impl State {
    fn answer(&self, stream: TcpStream) -> io::Result<()> {
        let origin = self.origin.lock().unwrap().clone();
        match origin {
            Origin::Stream(address) => stream::relay(self, &address, &stream),
            origin => http::relay(self, &origin, stream),
        }
    }

    fn trouble(&self) -> Trouble {
        *self.trouble.lock().unwrap()
    }
}
