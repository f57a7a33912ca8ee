//! Work that takes the processor for long, off the threads that answer.

use std::{panic::resume_unwind, sync::Arc, thread};

use tokio::sync::Semaphore;

/// What is smaller than this is done where it stands, in the units of [`Offload::run`]'s callers: lines of a list, say.
const LIGHT: usize = 2048;

/// Runs long computations on the blocking pool, a few at a time: at most as many as half of the processors, so that
/// those who answer always have the others.
///
/// Clones share the bound. Who waits for a turn has what it waits with in memory, so what is waiting must be bounded by
/// the callers.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let offload = stoa_cache::Offload::default();
/// let mut lines: Vec<u64> = (0..100_000).rev().collect();
/// lines = offload.run(lines.len(), move || { lines.sort(); lines }).await;
/// assert_eq!(lines[0], 0);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Offload {
    permits: Arc<Semaphore>,
}

impl Default for Offload {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self::new(processors / 2)
    }
}

impl Offload {
    /// So many computations at a time, at least one.
    pub fn new(at_once: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(at_once.max(1))),
        }
    }

    /// The result of `work` on so many things: at once if they are few, otherwise on the blocking pool, when its turn
    /// comes. What has begun goes on when the caller goes away, and keeps its turn until then. A panic goes on in the
    /// caller.
    pub async fn run<T: Send + 'static>(
        &self,
        things: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        if things < LIGHT {
            return work();
        }
        // It is never closed.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        match done.await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(result) => result,
            Err(Ok(panic)) => resume_unwind(panic),
            // The runtime is shutting down, and polls nobody any more.
            Err(Err(_)) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread::ThreadId,
    };

    use super::*;

    fn thread() -> ThreadId {
        thread::current().id()
    }

    #[tokio::test]
    async fn only_much_work_leaves_the_thread() {
        let offload = Offload::default();
        assert_eq!(offload.run(10, thread).await, thread());
        assert_ne!(offload.run(LIGHT, thread).await, thread());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn so_many_run_at_a_time() {
        let (offload, running, most) = (
            Offload::new(2),
            Arc::new(AtomicUsize::new(0)),
            AtomicUsize::new(0),
        );
        let most = Arc::new(most);
        let tasks = (0..16).map(|_| {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            offload.run(LIGHT, move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::yield_now();
                running.fetch_sub(1, Ordering::SeqCst);
            })
        });
        futures_util::future::join_all(tasks).await;
        assert!(most.load(Ordering::SeqCst) <= 2);
    }

    #[tokio::test]
    #[should_panic(expected = "on purpose")]
    async fn a_panic_is_the_callers() {
        Offload::default().run(LIGHT, || panic!("on purpose")).await;
    }
}
