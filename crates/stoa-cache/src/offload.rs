//! Work that takes the processor for long, off the threads that answer.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    thread,
};

use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot};

/// What is smaller than this is done where it stands, in the units of [`Offload::run`]'s callers: lines of a list, say.
const LIGHT: usize = 2048;

/// How much nicer than others a thread with long work is (`nice(2)`): whoever answers meanwhile goes first.
const NICER: i32 = 10;

/// Runs long computations on threads of their own, a few at a time: at most as many as half of the processors, so that
/// those who answer always have the others; and where there is only one, they go first.
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

    /// The result of `work` on so many things: at once if they are few, otherwise on a thread that is nice to others, when its
    /// turn comes. What has begun goes on when the caller goes away, and keeps its turn until then. A panic goes on in the
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
        let (done, result) = oneshot::channel();
        let work = move || {
            let result = catch_unwind(AssertUnwindSafe(work));
            drop(permit);
            // Who has gone wants no result.
            let _gone = done.send(result);
        };
        let work = Arc::new(Mutex::new(Some(work)));
        let given = Arc::clone(&work);
        let thread = thread::Builder::new().name("stoa-offload".to_owned());
        let spawned = thread.spawn(move || {
            // A thread can get nicer and never less nice without a privilege, so that it is none of a pool. Failing here costs
            // others some of their time.
            let _as_before = rustix::process::nice(NICER);
            take(&given);
        });
        if spawned.is_err() {
            // The system has no thread left: better here, late, than never.
            take(&work);
        }
        match result.await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => resume_unwind(panic),
            // The thread is gone without a word, with the process.
            Err(_) => std::future::pending().await,
        }
    }
}

/// Does the work, unless it was done.
fn take(work: &Mutex<Option<impl FnOnce()>>) {
    let work = work.lock().take();
    if let Some(work) = work {
        work();
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
