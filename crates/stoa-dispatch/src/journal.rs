//! One request's life in its lane, in lines of level `debug`.

use std::{fmt::Display, time::Duration};

use http::{Response, StatusCode};
use tokio::time::Instant;
use tracing::{Level, Span, debug, enabled};

use crate::{DispatchError, LaneKey, Request};

/// Writes the lines of one task, all of them in the span that was current when the task was handed over. Where `debug` is
/// off, the span is not even taken note of, and nothing is formatted or allocated.
///
/// A line has the host and the path of a request, never its query or its credentials.
#[derive(Debug)]
pub(crate) struct Journal {
    task: u64,
    lane: LaneKey,
    span: Span,
}

impl Journal {
    pub(crate) fn new(task: u64, lane: &LaneKey) -> Self {
        let span = if enabled!(Level::DEBUG) {
            Span::current()
        } else {
            Span::none()
        };
        Self {
            task,
            lane: lane.clone(),
            span,
        }
    }

    pub(crate) fn task(&self) -> u64 {
        self.task
    }

    /// The task waits in the queue. `position` gives how many wait before it and how many in all.
    pub(crate) fn queued(&self, position: impl FnOnce() -> (usize, usize)) {
        if enabled!(Level::DEBUG) {
            let (before, waiting) = position();
            debug!(parent: &self.span, task = self.task, lane = %self.lane, before, waiting, "queued");
        }
    }

    pub(crate) fn started(&self, waited: Duration) {
        debug!(parent: &self.span, task = self.task, lane = %self.lane, ?waited, "started");
    }

    pub(crate) fn attempt(&self, number: u32, request: &Request) {
        debug!(
            parent: &self.span,
            task = self.task,
            lane = %self.lane,
            attempt = number,
            method = %request.method(),
            host = request.uri().host().unwrap_or_default(),
            path = request.uri().path(),
            "attempt"
        );
    }

    pub(crate) fn response(&self, number: u32, status: StatusCode, began: Instant) {
        debug!(
            parent: &self.span,
            task = self.task,
            lane = %self.lane,
            attempt = number,
            status = status.as_u16(),
            took = ?began.elapsed(),
            "response"
        );
    }

    pub(crate) fn no_response(&self, number: u32, error: &DispatchError, began: Instant) {
        debug!(
            parent: &self.span,
            task = self.task,
            lane = %self.lane,
            attempt = number,
            %error,
            took = ?began.elapsed(),
            "no response"
        );
    }

    pub(crate) fn throttled(&self, pause: Duration) {
        debug!(parent: &self.span, task = self.task, lane = %self.lane, ?pause, "the server throttles the lane");
    }

    /// An attempt with this outcome is followed by a retry, from 1, after a pause.
    pub(crate) fn retry<T>(&self, retry: u32, pause: Duration, outcome: &Result<Response<T>, DispatchError>) {
        let reason: &dyn Display = match outcome {
            Ok(response) => &response.status(),
            Err(error) => error,
        };
        debug!(parent: &self.span, task = self.task, lane = %self.lane, retry, ?pause, %reason, "retry");
    }

    pub(crate) fn ended(&self, result: &Result<Option<StatusCode>, DispatchError>, took: Duration) {
        // A body ends where it is read. The JSON of the log lists the spans that are entered, whatever the parent is.
        let _entered = self.span.enter();
        match result {
            Ok(status) => debug!(
                parent: &self.span,
                task = self.task,
                lane = %self.lane,
                status = status.map(|status| status.as_u16()),
                ?took,
                "ended"
            ),
            Err(error) => {
                debug!(parent: &self.span, task = self.task, lane = %self.lane, %error, ?took, "ended");
            }
        }
    }

    pub(crate) fn refused(&self, error: &DispatchError) {
        debug!(parent: &self.span, task = self.task, lane = %self.lane, %error, "refused");
    }
}
