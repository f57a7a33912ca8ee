//! A wire between nodes, which is tapped, and can be cut.

#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of the servers, whose connections go through the dispatcher"
)]

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// How long a cut wire looks away before it looks whether it is whole again.
const LOOK: Duration = Duration::from_millis(10);

/// Carries what is sent to one address on to another one. While it is cut, nothing passes either way, and nobody is told. It ends
/// with the process.
#[derive(Clone)]
pub(crate) struct Wire {
    /// Where it begins, as `IP:PORT`.
    pub(crate) address: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_cut: AtomicBool,
    /// What was sent to the far end, by connection.
    sent: Mutex<Vec<Vec<u8>>>,
}

impl Wire {
    /// From a free port of `host` to `far`.
    pub(crate) fn lay(host: &str, far: &str) -> Self {
        let listener = TcpListener::bind(format!("{host}:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state: Arc<State> = Arc::default();
        let (accepting, far) = (Arc::clone(&state), far.to_owned());
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let (state, far) = (Arc::clone(&accepting), far.clone());
                // Whoever goes away is no failure of the test.
                thread::spawn(move || drop(carry(&state, &near, &far)));
            }
        });
        Self { address, state }
    }

    pub(crate) fn cut(&self) {
        self.state.is_cut.store(true, Ordering::SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.state.is_cut.store(false, Ordering::SeqCst);
    }

    /// The requests that were sent over it and whose text has this, each with its head and its body.
    pub(crate) fn requests(&self, with: &str) -> Vec<Vec<u8>> {
        let sent = self.state.sent.lock().unwrap();
        let all = sent.iter().flat_map(|bytes| split(bytes));
        all.filter(|request| String::from_utf8_lossy(request).contains(with))
            .collect()
    }
}

fn carry(state: &Arc<State>, near: &TcpStream, far: &str) -> std::io::Result<()> {
    while state.is_cut.load(Ordering::SeqCst) {
        thread::sleep(LOOK);
    }
    let far = TcpStream::connect(far)?;
    let at = {
        let mut sent = state.sent.lock().unwrap();
        sent.push(Vec::new());
        sent.len() - 1
    };
    let back = {
        let (state, from, to) = (Arc::clone(state), far.try_clone()?, near.try_clone()?);
        thread::spawn(move || drop(pass(&state, &from, &to, None)))
    };
    let passed = pass(state, near, &far, Some(at));
    drop(back.join());
    passed
}

fn pass(state: &State, mut from: &TcpStream, mut to: &TcpStream, at: Option<usize>) -> std::io::Result<()> {
    let mut bytes = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut bytes)?;
        while state.is_cut.load(Ordering::SeqCst) {
            thread::sleep(LOOK);
        }
        if read == 0 {
            return to.shutdown(Shutdown::Write);
        }
        if let Some(at) = at {
            state.sent.lock().unwrap()[at].extend_from_slice(&bytes[..read]);
        }
        to.write_all(&bytes[..read])?;
    }
}

/// The requests of a connection.
fn split(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
        let whole = end + 4 + length;
        if bytes.len() < whole {
            break;
        }
        all.push(bytes[..whole].to_vec());
        bytes = &bytes[whole..];
    }
    all
}

/// Sends a request as it is; the status, and the whole answer as text.
pub(crate) fn send(address: &str, request: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // The connection stays open after the answer.
    let _until_it_is_silent = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or(0), text)
}
