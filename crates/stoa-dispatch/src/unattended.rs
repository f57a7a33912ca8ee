//! Tasks whose caller does not wait for them.

use std::sync::Arc;

use tokio::time::timeout_at;

use crate::{Consumer, DispatchError, Stage, Task, guard::guarded, limiter::Entry, run::run, ticket::Ticket};

/// Runs a task to its response, to its consumer, and to the end of its body.
pub(crate) async fn run_unattended(ticket: Ticket, entry: Entry, task: Task, consumer: Box<dyn Consumer>) {
    let lane = Arc::clone(&ticket.lane);
    let (deadline, deadline_error) = (ticket.deadline(), ticket.late(Stage::Consumer));
    let Ok((mut response, Some(parts))) = run(ticket, entry, task, true).await else {
        // The events say why.
        return;
    };
    let left = response.body_mut().give_back();
    let consuming = guarded(&lane.key, Stage::Consumer, async move {
        consumer.consume(response, *parts).await;
    });
    let consumed = tokio::select! {
        biased;
        consumed = timeout_at(deadline, consuming) => consumed.unwrap_or(Err(deadline_error)),
        () = lane.abort.cancelled() => Err(lane.eviction().unwrap_or(DispatchError::Aborted)),
    };
    let left = left.lock().take();
    let Some(mut left) = left else { return };
    if matches!(consumed, Ok(()) | Err(DispatchError::Panicked { .. })) {
        left.clean_up().await;
    }
    left.finish(consumed);
}
