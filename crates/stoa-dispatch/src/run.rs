//! The stages of one task, in their order.

use std::sync::Arc;

use http::request::Parts;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{
    Bound, BreakerVerdict, DispatchError, EventKind, Filter, Permit, RawBody, Request, Response,
    ResponseBody, Share, Stage, Task, Urgency,
    attempt::attempt,
    breaker::{BreakerOpenError, BreakerPermit},
    bucket::Token,
    deadline::after,
    exchange::{Exchange, Held, drain},
    guard::{guarded, guarded_call},
    lane::Lane,
    limiter::{Entry, PushedOut},
    retry::{Next, next, replay},
    task::Recipe,
    ticket::Ticket,
};

/// Takes a task from its admission to the head of its response. The stages, in this order:
///
/// 1. admission - the permit that comes with `entry`
/// 2. expiry - not worth sending any more?
/// 3. build, filter - what is sent, and whether it may be
/// 4. breaker - is the server to be asked at all?
/// 5. concurrency - the permit is held until the body has ended; a retry waits for a new one
/// 6. rate - a token, spent only by what goes out at this moment
/// 7. attempt - to the head of the response
/// 8. classify - verdict for the breaker, sample for the limit, pause for the lane
/// 9. retry - within the budget, back to 4
pub(crate) async fn run(
    mut ticket: Ticket,
    entry: Entry,
    task: Task,
    keep_parts: bool,
) -> Result<(Response, Option<Box<Parts>>), DispatchError> {
    let lane = Arc::clone(&ticket.lane);
    let (urgency, abandoned) = (task.urgency.clone(), ticket.settings.abandoned);
    // On the heap: the stages are some kilobytes, which every future around them would have to carry and copy.
    let stages = Box::pin(stages(&mut ticket, entry, task, keep_parts));
    let landed = tokio::select! {
        // Abort before releasing permits; otherwise a freed permit would start a task that is about to be aborted.
        biased;
        () = lane.abort.cancelled() => Err(lane.eviction().unwrap_or(DispatchError::Aborted)),
        landed = stages => landed,
        () = urgency.abandoned(abandoned) => Err(DispatchError::Abandoned {
            lane: lane.key.clone(),
            after: abandoned,
        }),
    };
    match landed {
        Ok(landed) => Ok(landed.into_response(ticket)),
        Err(error) => {
            ticket.end(Err(error.clone()));
            Err(error)
        }
    }
}

/// A response that is to be delivered.
struct Landed {
    response: http::Response<RawBody>,
    parts: Option<Box<Parts>>,
    permit: Permit,
    breaker: Option<BreakerPermit>,
}

impl Landed {
    fn into_response(self, ticket: Ticket) -> (Response, Option<Box<Parts>>) {
        let (head, raw) = self.response.into_parts();
        let held = Held {
            ticket,
            permit: self.permit,
            breaker: self.breaker,
            status: head.status,
        };
        let body = ResponseBody::new(Exchange::new(raw, held, self.parts.is_some()));
        (Response::from_parts(head, body), self.parts)
    }
}

/// What an attempt is for.
enum Purpose {
    First,
    Retry,
    /// The lane was throttled meanwhile.
    AfterThrottle,
}

async fn stages(
    ticket: &mut Ticket,
    entry: Entry,
    task: Task,
    keep_parts: bool,
) -> Result<Landed, DispatchError> {
    let (share, urgency) = (task.share, task.urgency);
    let mut permit = wait_for_permit(ticket, entry, &share, &urgency, Stage::Admission).await?;
    ticket.start();
    check_expiry(ticket, task.expiry)?;
    let mut request = build(ticket, task.recipe).await?;
    filter(ticket, &task.filters, &request)?;
    let retryable = task.retryable.unwrap_or_else(|| request.method().is_idempotent());
    let parts = keep_parts.then(|| parts_of(&request));
    let (mut attempts, mut retries) = (0, 0);
    let mut purpose = Purpose::First;
    // A server that asks for one short pause after the other gets as long as one that asks for a long one.
    let mut paused_until = None;
    loop {
        let replay = if retryable { replay(&request) } else { None };
        let mut breaker = pass(ticket, task.expiry, &share, &urgency).await?;
        breaker.again = task.again;
        // Count the attempt only here: a request that was refused before was never sent, so it must neither earn retry
        // budget nor count as a retry.
        match purpose {
            Purpose::First => ticket.lane.budget.earn(),
            Purpose::Retry => ticket.lane.counters.retries.one(),
            Purpose::AfterThrottle => {}
        }
        attempts += 1;
        let attempt = attempt(ticket, attempts, request).await?;
        let latest = paused_until.unwrap_or_else(|| ticket.latest());
        let next = next(ticket, &attempt, retries, replay.is_some(), latest);
        if matches!(next, Some(Next::AfterThrottle)) {
            paused_until = Some(latest);
        }
        let (verdict, of_server) = (attempt.classified.verdict, attempt.of_server);
        let Some((next, replay)) = next.zip(replay) else {
            let breaker = judge(ticket, breaker, verdict, of_server);
            let response = attempt.outcome?;
            return Ok(Landed {
                response,
                parts,
                permit,
                breaker,
            });
        };
        end(ticket, breaker, verdict, of_server);
        if let Next::Retry { pause } = next {
            retries += 1;
            ticket.journal.retry(retries, pause, &attempt.outcome);
        }
        if let Ok(response) = attempt.outcome {
            let mut body = response.into_body();
            let drained = guarded(&ticket.lane.key, Stage::Body, drain(&mut body)).await?;
            ticket.lane.counters.drained.add(drained);
        }
        drop(permit);
        purpose = Purpose::AfterThrottle;
        if let Next::Retry { pause } = next {
            purpose = Purpose::Retry;
            ticket.emit(|| EventKind::Retry {
                retry: retries,
                pause,
            });
            sleep_until(after(Instant::now(), pause)).await;
        }
        permit = retry_permit(ticket, &share, &urgency).await?;
        request = replay;
    }
}

/// Waits for the permit. When the breaker opens, all that wait are refused at once: the server would not have answered.
async fn wait_for_permit(
    ticket: &Ticket,
    entry: Entry,
    share: &Share,
    urgency: &Urgency,
    stage: Stage,
) -> Result<Permit, DispatchError> {
    let mut queued = match entry {
        Entry::Permit(permit) => return Ok(permit),
        Entry::Queued(queued) => queued,
    };
    let latest = ticket.latest();
    tokio::select! {
        // Look at the breaker first: otherwise the permit would go down the queue, and each task would build a request for
        // nothing.
        biased;
        open = ticket.lane.breaker.refusing(share) => Err(refused(&ticket.lane, open)),
        permit = queued.permit(urgency) => permit.map_err(|PushedOut(limit)| DispatchError::Full {
            lane: ticket.lane.key.clone(),
            bound: Bound::Queue,
            limit,
        }),
        () = sleep_until(latest) => Err(ticket.waited(latest, stage)),
    }
}

async fn retry_permit(ticket: &Ticket, share: &Share, urgency: &Urgency) -> Result<Permit, DispatchError> {
    let entry = ticket.lane.limiter.enter_retry(share, urgency.class());
    wait_for_permit(ticket, entry, share, urgency, Stage::Concurrency).await
}

fn refused(lane: &Lane, open: BreakerOpenError) -> DispatchError {
    DispatchError::BreakerOpen {
        lane: lane.key.clone(),
        retry_after: open.retry_after,
        cause: open.cause,
    }
}

fn check_expiry(ticket: &Ticket, expiry: Option<Instant>) -> Result<(), DispatchError> {
    if expiry.is_some_and(|expiry| expiry < Instant::now()) {
        let lane = ticket.lane.key.clone();
        return Err(DispatchError::Expired { lane });
    }
    Ok(())
}

async fn build(ticket: &Ticket, recipe: Recipe) -> Result<Box<Request>, DispatchError> {
    let build = match recipe {
        Recipe::Ready(request) => return Ok(request),
        Recipe::Lazy(build) => build,
    };
    let lane = || ticket.lane.key.clone();
    // The recipe may panic before it has returned a future, too.
    let building = async move { build().await };
    let built = timeout_at(
        ticket.deadline(),
        guarded(&ticket.lane.key, Stage::Build, building),
    )
    .await;
    match built.map_err(|_| ticket.late(Stage::Build))?? {
        Ok(Some(request)) => Ok(Box::new(request)),
        Ok(None) => Err(DispatchError::NoRequest { lane: lane() }),
        Err(error) => Err(DispatchError::Build {
            lane: lane(),
            cause: error.into(),
        }),
    }
}

fn filter(ticket: &Ticket, own: &[Arc<dyn Filter>], request: &Request) -> Result<(), DispatchError> {
    let lane = &ticket.lane.key;
    for filter in ticket.pool().filters.iter().chain(own) {
        let checked = guarded_call(lane, Stage::Filter, || filter.check(request))?;
        checked.map_err(|reason| DispatchError::Filtered {
            lane: lane.clone(),
            filter: filter.name().to_owned(),
            reason,
        })?;
    }
    Ok(())
}

/// Breaker and rate. The token is taken only if the breaker has not opened while it was waited for.
async fn pass(
    ticket: &Ticket,
    expiry: Option<Instant>,
    share: &Share,
    urgency: &Urgency,
) -> Result<BreakerPermit, DispatchError> {
    let lane = &ticket.lane;
    loop {
        let breaker = lane.breaker.permit(share).map_err(|open| refused(lane, open))?;
        let token = match lane.bucket.free_token() {
            Some(token) => token,
            None => token(ticket, urgency).await?,
        };
        if breaker.holds() {
            check_expiry(ticket, expiry)?;
            token.take();
            return Ok(breaker);
        }
    }
}

/// Waits for a token of the rate.
async fn token<'a>(ticket: &'a Ticket, urgency: &Urgency) -> Result<Token<'a>, DispatchError> {
    let lane = &ticket.lane;
    let latest = ticket.latest();
    let token = timeout_at(latest, lane.bucket.token(latest, urgency)).await;
    let token = token.map_err(|_| ticket.waited(latest, Stage::Rate))?;
    token.map_err(|error| DispatchError::Rate {
        lane: lane.key.clone(),
        retry_after: error.free_at.saturating_duration_since(Instant::now()),
        throttled: error.throttled,
    })
}

/// Gives the verdict to the breaker, unless a good head is still followed by its body. A probe is judged by its head: all
/// requests of the lane wait for it, and its body may take long.
fn judge(
    ticket: &Ticket,
    breaker: BreakerPermit,
    verdict: BreakerVerdict,
    of_server: bool,
) -> Option<BreakerPermit> {
    if verdict == BreakerVerdict::Success && !breaker.is_probe() {
        return Some(breaker);
    }
    end(ticket, breaker, verdict, of_server);
    None
}

fn end(ticket: &Ticket, breaker: BreakerPermit, verdict: BreakerVerdict, of_server: bool) {
    let transition = breaker.end(verdict, of_server, (ticket.pool().jitter)());
    ticket.breaker(transition);
}

fn parts_of(request: &Request) -> Box<Parts> {
    let mut head = http::Request::new(());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = request.uri().clone();
    *head.version_mut() = request.version();
    head.headers_mut().clone_from(request.headers());
    head.extensions_mut().clone_from(request.extensions());
    Box::new(head.into_parts().0)
}
