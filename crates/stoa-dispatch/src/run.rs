//! The stages of one task, in their order.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use http::request::Parts;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{
    Attempted, Classified, Consumer, DispatchError, EventKind, Filter, RawBody, Request, Response,
    ResponseBody, Stage, Task, TransportError, Urgency, Verdict,
    breaker::{BreakerPermit, Refusal},
    bucket::Token,
    lane::Lane,
    limiter::{Entry, Permit},
    response_body::{Hold, Inner, drain},
    shared::after,
    task::Recipe,
    ticket::Ticket,
};

/// Takes a task from its admission to the head of its response. The stages, in this order:
///
/// 1. admission - the turn that comes with `entry`
/// 2. expiry - not worth sending any more?
/// 3. build, filter - what is sent, and whether it may be
/// 4. breaker - is the server to be asked at all?
/// 5. concurrency - the turn is held until the body has ended; a repeat gets in line again
/// 6. rate - a token, spent only by what goes out at this moment
/// 7. attempt - to the head of the response
/// 8. classify - verdict for the breaker, sample for the limit, sleep for the lane
/// 9. retry - within the budget, back to 4
pub(crate) async fn run(
    mut ticket: Ticket,
    entry: Entry,
    task: Task,
    keep_parts: bool,
) -> Result<(Response, Option<Box<Parts>>), DispatchError> {
    let shared = Arc::clone(ticket.shared());
    // On the heap: the stages are some kilobytes, which every future around them would have to carry and copy.
    let stages = Box::pin(stages(&mut ticket, entry, task, keep_parts));
    let landed = tokio::select! {
        // The abort first: the turns that it frees must start nobody who is to be cut off as well.
        biased;
        () = shared.abort.token().cancelled() => Err(DispatchError::Aborted),
        landed = stages => landed,
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
        let hold = Hold {
            ticket,
            permit: self.permit,
            breaker: self.breaker,
            status: head.status,
        };
        let body = ResponseBody::new(Inner::new(raw, hold, self.parts.is_some()));
        (Response::from_parts(head, body), self.parts)
    }
}

async fn stages(
    ticket: &mut Ticket,
    entry: Entry,
    task: Task,
    keep_parts: bool,
) -> Result<Landed, DispatchError> {
    let urgency = task.urgency;
    let mut permit = wait_for_permit(ticket, entry, &urgency, Stage::Admission).await?;
    ticket.start();
    check_expiry(ticket, task.expiry)?;
    let mut request = build(ticket, task.recipe).await?;
    filter(ticket, &task.filters, &request)?;
    let repeatable = task
        .repeatable
        .unwrap_or_else(|| request.method().is_idempotent());
    let parts = keep_parts.then(|| parts_of(&request));
    let mut repeats = 0;
    let mut going = Going::First;
    loop {
        let spare = if repeatable { replay(&request) } else { None };
        let breaker = pass(ticket, task.expiry, &urgency).await?;
        // Not sooner: what is refused here is nobody's repeat, and no reason for one.
        match going {
            Going::First => ticket.lane.budget.earn(),
            Going::Again => ticket.lane.counters.repeats.one(),
            Going::AfterSleep => {}
        }
        let attempt = attempt(ticket, request).await?;
        let next = next(ticket, &attempt, repeats, spare.is_some());
        let verdict = attempt.classified.verdict;
        let Some((next, again)) = next.zip(spare) else {
            let breaker = judge(ticket, breaker, verdict);
            let response = attempt.outcome?;
            return Ok(Landed {
                response,
                parts,
                permit,
                breaker,
            });
        };
        end(ticket, breaker, verdict);
        if let Ok(response) = attempt.outcome {
            let mut body = response.into_body();
            let drained = guarded(&ticket.lane, Stage::Body, drain(&mut body)).await?;
            ticket.lane.counters.drained.add(drained);
        }
        drop(permit);
        going = Going::AfterSleep;
        if let Next::Repeat { pause } = next {
            repeats += 1;
            going = Going::Again;
            ticket.emit(|| EventKind::Retry {
                repeat: repeats,
                pause,
            });
            sleep_until(after(Instant::now(), pause)).await;
        }
        permit = retry_permit(ticket, &urgency).await?;
        request = again;
    }
}

/// Waits for the permit. When the breaker opens, all that wait are refused at once: the server would not have answered.
async fn wait_for_permit(
    ticket: &Ticket,
    entry: Entry,
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
        refusal = ticket.lane.breaker.refusing() => Err(refused(&ticket.lane, refusal)),
        permit = queued.permit(urgency) => Ok(permit),
        () = sleep_until(latest) => Err(ticket.waited(latest, stage)),
    }
}

async fn retry_permit(ticket: &Ticket, urgency: &Urgency) -> Result<Permit, DispatchError> {
    let entry = ticket.lane.limiter.enter_retry(urgency.class());
    wait_for_permit(ticket, entry, urgency, Stage::Concurrency).await
}

fn refused(lane: &Lane, refusal: Refusal) -> DispatchError {
    DispatchError::BreakerOpen {
        lane: lane.key.clone(),
        retry_after: refusal.retry_after,
        cause: refusal.cause,
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
    let built = timeout_at(ticket.deadline(), guarded(&ticket.lane, Stage::Build, building)).await;
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
    let lane = &ticket.lane;
    for filter in ticket.shared().filters.iter().chain(own) {
        let checked = catch_unwind(AssertUnwindSafe(|| filter.check(request)));
        let checked = checked.map_err(|payload| panicked(lane, Stage::Filter, payload.as_ref()))?;
        checked.map_err(|reason| DispatchError::Filtered {
            lane: lane.key.clone(),
            filter: filter.name().to_owned(),
            reason,
        })?;
    }
    Ok(())
}

/// Breaker and rate. The token is taken only if the breaker has not changed its mind while it was awaited.
async fn pass(
    ticket: &Ticket,
    expiry: Option<Instant>,
    urgency: &Urgency,
) -> Result<BreakerPermit, DispatchError> {
    let lane = &ticket.lane;
    loop {
        let breaker = lane.breaker.permit().map_err(|refusal| refused(lane, refusal))?;
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
    token.map_err(|too_long| DispatchError::Rate {
        lane: lane.key.clone(),
        retry_after: too_long.free_at.saturating_duration_since(Instant::now()),
        asleep: too_long.throttled,
    })
}

/// One attempt and what follows from it.
struct Attempt {
    outcome: Result<http::Response<RawBody>, DispatchError>,
    classified: Classified,
}

async fn attempt(ticket: &Ticket, request: Box<Request>) -> Result<Attempt, DispatchError> {
    let lane = &ticket.lane;
    let began = Instant::now();
    let latest = ticket.deadline().min(after(began, ticket.settings.attempt));
    lane.counters.attempts.one();
    // The transport may panic before it has returned a future, too.
    let sending = guarded(lane, Stage::Attempt, async {
        lane.transport.send(*request).await
    });
    let sent = match timeout_at(latest, sending).await {
        Ok(sent) => Some(sent?),
        Err(_) => None,
    };
    let attempted = match &sent {
        Some(Ok(response)) => Attempted::Response {
            status: response.status(),
            headers: response.headers(),
        },
        Some(Err(error)) => Attempted::Failed(error),
        None => Attempted::TimedOut(latest - began),
    };
    let hurried = sent.is_none() && latest >= ticket.deadline() && ticket.has_own_deadline();
    let classified = if hurried {
        Classified {
            verdict: Verdict::Ignored,
            retriable: false,
            sleep: None,
            dropped: false,
        }
    } else {
        let classified = classify(ticket, attempted)?;
        lane.sample(began, classified.dropped);
        classified
    };
    let outcome = match sent {
        Some(Ok(response)) => Ok(response),
        Some(Err(error)) => Err(failed(lane, error)),
        None if latest >= ticket.deadline() => Err(ticket.late(Stage::Attempt)),
        None => Err(DispatchError::AttemptTimeout {
            lane: lane.key.clone(),
            after: ticket.settings.attempt,
        }),
    };
    if let Some(sleep) = classified.sleep {
        let pause = sleep.min(ticket.settings.max_sleep);
        lane.bucket.throttle(after(Instant::now(), pause));
        lane.counters.sleeps.one();
        ticket.emit(|| EventKind::Sleep { pause });
    }
    Ok(Attempt { outcome, classified })
}

fn classify(ticket: &Ticket, attempted: Attempted<'_>) -> Result<Classified, DispatchError> {
    let classify = &ticket.shared().classify;
    let classified = catch_unwind(AssertUnwindSafe(|| classify.classify(attempted)));
    classified.map_err(|payload| panicked(&ticket.lane, Stage::Attempt, payload.as_ref()))
}

fn failed(lane: &Lane, error: TransportError) -> DispatchError {
    DispatchError::Transport {
        lane: lane.key.clone(),
        error,
    }
}

/// What an attempt is for.
enum Going {
    First,
    Again,
    AfterSleep,
}

/// What comes after an attempt that is not delivered.
enum Next {
    /// The lane sleeps; the request waits it out and is charged nothing.
    AfterSleep,
    /// A repeat, charged to the request and to the budget of the lane.
    Repeat { pause: Duration },
}

fn next(ticket: &Ticket, attempt: &Attempt, repeats: u32, has_spare: bool) -> Option<Next> {
    if !attempt.classified.retriable || !has_spare {
        return None;
    }
    let now = Instant::now();
    if let Some(sleep) = attempt.classified.sleep {
        let pause = sleep.min(ticket.settings.max_sleep);
        return (after(now, pause) < ticket.latest()).then_some(Next::AfterSleep);
    }
    let retry = &ticket.settings.retry;
    let longest = retry
        .backoff
        .saturating_mul(1_u32.checked_shl(repeats).unwrap_or(u32::MAX));
    let pause = longest.min(retry.backoff_max).mul_f64((ticket.shared().jitter)());
    let possible = repeats < retry.max && after(now, pause) < ticket.deadline();
    // The budget is asked last: what cannot be repeated spends nothing of it.
    (possible && ticket.lane.budget.spend()).then_some(Next::Repeat { pause })
}

/// Tells the breaker, unless a good head still has its body to prove itself. A probe is judged by its head: it has
/// nothing to add for as long as its body takes, and everybody waits for it.
fn judge(ticket: &Ticket, breaker: BreakerPermit, verdict: Verdict) -> Option<BreakerPermit> {
    if verdict == Verdict::Success && !breaker.is_probe() {
        return Some(breaker);
    }
    end(ticket, breaker, verdict);
    None
}

fn end(ticket: &Ticket, breaker: BreakerPermit, verdict: Verdict) {
    let transition = breaker.end(verdict, (ticket.shared().jitter)());
    ticket.breaker(transition);
}

fn replay(request: &Request) -> Option<Box<Request>> {
    let body = request.body().replay()?;
    let mut again = Request::new(body);
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.version_mut() = request.version();
    again.headers_mut().clone_from(request.headers());
    again.extensions_mut().clone_from(request.extensions());
    Some(Box::new(again))
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

/// Runs somebody else's code; its panic is an error.
pub(crate) async fn guarded<T>(
    lane: &Lane,
    stage: Stage,
    code: impl Future<Output = T>,
) -> Result<T, DispatchError> {
    let ran = AssertUnwindSafe(code).catch_unwind().await;
    ran.map_err(|payload| panicked(lane, stage, payload.as_ref()))
}

fn panicked(lane: &Lane, stage: Stage, payload: &(dyn Any + Send)) -> DispatchError {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = text.or_else(|| payload.downcast_ref::<String>().cloned());
    DispatchError::Panicked {
        lane: lane.key.clone(),
        stage,
        message: message.unwrap_or_else(|| "no message".to_owned()),
    }
}

/// A task that nobody waits for: to its response, to its consumer, to the end of its body.
pub(crate) async fn work(ticket: Ticket, entry: Entry, task: Task, consumer: Box<dyn Consumer>) {
    let lane = Arc::clone(&ticket.lane);
    let (deadline, deadline_error) = (ticket.deadline(), ticket.late(Stage::Consumer));
    let shared = Arc::clone(ticket.shared());
    let Ok((mut response, Some(parts))) = run(ticket, entry, task, true).await else {
        // The events have told.
        return;
    };
    let left = response.body_mut().give_back();
    let consuming = guarded(&lane, Stage::Consumer, async move {
        consumer.consume(response, *parts).await;
    });
    let consumed = tokio::select! {
        biased;
        consumed = timeout_at(deadline, consuming) => consumed.unwrap_or(Err(deadline_error)),
        () = shared.abort.token().cancelled() => Err(DispatchError::Aborted),
    };
    let left = left.lock().take();
    let Some(mut left) = left else { return };
    if matches!(consumed, Ok(()) | Err(DispatchError::Panicked { .. })) {
        left.clean_up().await;
    }
    left.finish(consumed);
}
