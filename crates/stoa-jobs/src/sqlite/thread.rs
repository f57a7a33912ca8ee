//! A thread that does what it is asked.

use std::{io, thread};

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::StoreError;

/// How many calls may wait.
const WAITING: usize = 1_024;

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
        answer: oneshot::Receiver<Result<A, StoreError>>,
    ) -> Result<A, StoreError> {
        let sender = self.sender.lock().clone().ok_or(StoreError::Closed)?;
        sender.send(question).await.map_err(|_| stopped())?;
        drop(sender);
        answer.await.map_err(|_| stopped())?
    }

    /// Waits until everything is done that was asked for, and ends the thread.
    pub(super) async fn close(&self) {
        self.sender.lock().take();
        let handle = self.handle.lock().take();
        if let Some(handle) = handle {
            let joined = tokio::task::spawn_blocking(move || handle.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("a thread of the job store ended in a panic");
            }
        }
    }
}

fn stopped() -> StoreError {
    StoreError::away("its thread has stopped")
}
