//! Stands between a client and a real server, and lets one thing go wrong.

mod http;
mod state;
mod stream;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use self::state::State;
pub use self::state::{Origin, Trouble};

/// A relay before a server. It ends with the process.
#[derive(Clone, Debug)]
pub struct Relay {
    address: SocketAddr,
    state: Arc<State>,
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
                thread::spawn(move || drop(answer(&state, stream)));
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

fn answer(state: &State, stream: TcpStream) -> io::Result<()> {
    let origin = state.origin.lock().unwrap().clone();
    match origin {
        Origin::Stream(address) => stream::relay(state, &address, &stream),
        origin => http::relay(state, &origin, stream),
    }
}
