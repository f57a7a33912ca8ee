//! Where the streams of HTTP/2 connections run.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use hyper::rt::Executor;
use hyper_util::rt::TokioExecutor;
use tokio::task::coop::poll_proceed;

/// Answers a stream on the task of its connection if that can be done at once, as hits in memory can. Only what has to
/// wait becomes a task of its own.
///
/// With a task for each stream, a few connections with many streams would fill the queue of a worker, and what comes after
/// would wait for its turn much longer than what came before (ADR 0020).
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamExecutor;

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let mut stream = Box::pin(stream);
        // A panic ends the stream and not the others of its connection, as it would on a task of its own.
        match catch_unwind(AssertUnwindSafe(|| poll_once(stream.as_mut()))) {
            Ok(Poll::Pending) => TokioExecutor::new().execute(stream),
            Ok(Poll::Ready(())) | Err(_) => {}
        }
    }
}

/// One poll that wakes nobody: a new task polls the stream again at once. It comes out of the budget of the connection's
/// task, so that a connection with many streams lets others have their turn.
fn poll_once(stream: Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
    let mut context = Context::from_waker(Waker::noop());
    ready!(poll_proceed(&mut context)).made_progress();
    stream.poll(&mut context)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::{sync::oneshot, task::yield_now};

    use super::*;

    #[tokio::test]
    async fn what_is_ready_ends_before_execute_returns_and_what_waits_ends_later() {
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        StreamExecutor.execute(async move {
            count.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(done.load(Ordering::SeqCst), 1);
        let (sender, receiver) = oneshot::channel::<()>();
        let (ended, end) = oneshot::channel();
        StreamExecutor.execute(async move {
            receiver.await.expect("a sender");
            ended.send(()).expect("a receiver");
        });
        yield_now().await;
        sender.send(()).expect("it waits");
        end.await.expect("it ends");
    }

    #[tokio::test]
    async fn a_panic_ends_one_stream() {
        StreamExecutor.execute(async { panic!("a stream") });
    }

    /// However many are ready, one turn of a connection answers so many, and the rest become tasks.
    #[tokio::test]
    async fn a_turn_has_an_end() {
        let done = Arc::new(AtomicUsize::new(0));
        yield_now().await;
        for _ in 0..1000 {
            let count = Arc::clone(&done);
            StreamExecutor.execute(async move {
                count.fetch_add(1, Ordering::SeqCst);
            });
        }
        let at_once = done.load(Ordering::SeqCst);
        assert!((1..=128).contains(&at_once), "{at_once} in one turn");
        while done.load(Ordering::SeqCst) < 1000 {
            yield_now().await;
        }
    }
}
