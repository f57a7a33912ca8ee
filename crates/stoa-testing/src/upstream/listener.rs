//! The thread that accepts connections.

use std::net::{Shutdown, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::SockRef;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::connection;
use super::state::State;

/// The most connections at a time; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 1024;

/// The longest life of a connection, so that a forgotten one does not outlive the test run.
const MAX_AGE: Duration = Duration::from_mins(15);

/// The pause after a failed accept, for the shortage behind it to pass.
const PAUSE: Duration = Duration::from_millis(1);

/// A thread with its own runtime. Dropping it closes the socket and all connections, and waits.
#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    pub(super) fn start(socket: TcpListener, state: Arc<State>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let kept = socket.try_clone().expect("a second handle of the socket");
        let thread = std::thread::Builder::new()
            .name("upstream".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    tokio::select! {
                        _ = stopped => {}
                        () = accept(socket, state) => {}
                    }
                });
            })
            .expect("a thread for the upstream");
        Self {
            socket: kept,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let outcome = thread.join();
            assert!(
                outcome.is_ok() || std::thread::panicking(),
                "the upstream panicked"
            );
        }
        // Closing is not enough: a program that another thread starts at this moment has a copy of the
        // socket until it has been executed, and connections would go on being accepted by the kernel.
        SockRef::from(&self.socket)
            .shutdown(Shutdown::Both)
            .expect("a listening socket can be shut down");
    }
}

async fn accept(socket: TcpListener, state: Arc<State>) {
    socket.set_nonblocking(true).unwrap();
    let socket = tokio::net::TcpListener::from_std(socket).unwrap();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(outcome) = connections.join_next() => {
                let outcome: Result<(), tokio::task::JoinError> = outcome;
                if let Err(error) = outcome {
                    std::panic::resume_unwind(error.into_panic());
                }
            }
            accepted = socket.accept(), if connections.len() < MAX_CONNECTIONS => {
                // An error belongs to the connection that was lost, or to a shortage that passes.
                let Ok((stream, _)) = accepted else {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                state.accepted();
                let state = Arc::clone(&state);
                connections.spawn(async move {
                    // A connection that fails or grows old is closed; the client sees that.
                    let _ = tokio::time::timeout(MAX_AGE, connection::serve(stream, &state)).await;
                });
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a client of the server that is tested")]
mod tests {
    use std::io::ErrorKind;
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_copy_of_the_socket_in_a_program_just_started_keeps_nothing_open() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let copy = socket.try_clone().unwrap();
        let listener = Listener::start(socket, Arc::new(State::default()));
        drop(TcpStream::connect(address).unwrap());

        drop(listener);
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        TcpListener::bind(address).expect("the port is free again");
        drop(copy);
    }
}
