//! A thread that does what it is asked.

use std::{io, thread, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{Fault, IndexError};

/// How many calls may wait.
const WAITING: usize = 256;
/// How long a call waits at most. What it asked for may be done later.
const PATIENCE: Duration = Duration::from_secs(30);

/// A thread that does what it is asked, one after the other, and ends when it is closed.
pub(super) struct Thread<T> {
    sender: Mutex<Option<mpsc::Sender<T>>>,
    handle: Mutex<Option<thread::JoinHandle<()>>>,
}

impl<T: Send + 'static> Thread<T> {
    /// Starts `work`, which ends when there is nothing more to receive.
    pub(super) fn start(
        name: &str,
        work: impl FnOnce(mpsc::Receiver<T>) + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let handle = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(receiver))?;
        Ok(Self {
            sender: Mutex::new(Some(sender)),
            handle: Mutex::new(Some(handle)),
        })
    }

    /// Asks for something that is answered through `answer`.
    pub(super) async fn ask<A>(
        &self,
        question: T,
        answer: oneshot::Receiver<Result<A, IndexError>>,
    ) -> Result<A, IndexError> {
        let sender = self.sender.lock().clone().ok_or(IndexError::Closed)?;
        let answered = timeout(PATIENCE, async move {
            sender.send(question).await.map_err(|_| stopped())?;
            drop(sender);
            answer.await.map_err(|_| stopped())?
        });
        let late = |_| IndexError::Unreachable(Fault::new("its disk does not answer in time"));
        answered.await.map_err(late)?
    }

    /// Waits until everything is done that was asked for, and ends the thread.
    pub(super) async fn close(&self) {
        self.sender.lock().take();
        let handle = self.handle.lock().take();
        if let Some(handle) = handle {
            let joined = tokio::task::spawn_blocking(move || handle.join());
            match timeout(PATIENCE, joined).await {
                Ok(Ok(Ok(()))) => {}
                Ok(_) => tracing::error!("a thread of the index ended in a panic"),
                Err(_) => tracing::error!("a thread of the index does not end"),
            }
        }
    }
}

fn stopped() -> IndexError {
    IndexError::Unreachable("its thread has stopped".into())
}
