//! The thread that accepts connections.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

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
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    pub(super) fn start(socket: TcpListener, state: Arc<State>) -> Self {
        let (stop, stopped) = oneshot::channel();
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
