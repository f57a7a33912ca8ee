//! What becomes of the context of a question on its way.

use std::{sync::Arc, time::Duration};

use stoa_dispatch::Class;
use stoa_fetch::{Caller, Context, Hops, Question, Trace};
use stoa_module::Resource;
use stoa_proxy::{
    Meaning, Outcome, Protocol, ProxyError, Refreshes, ResolvedInfo, SingleFlight, Stashed, Stasher,
};
use stoa_testing::{gate::Gate, reply::Reply};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::task::TaskTracker;

use crate::{
    fake::Fake,
    lab::{Lab, info, latest, list, question, resource, settle},
};

fn single_flight(max: usize) -> (Fake, Arc<SingleFlight>) {
    let fake = Fake::new();
    fake.text(&list(), "v1.0.0\n");
    let flight = SingleFlight::new(
        Arc::new(fake.clone()),
        max,
        Arc::new(Refreshes::new(None)),
        TaskTracker::new(),
    );
    (fake, Arc::new(flight))
}

fn background(resource: &Resource) -> Question {
    Question::new(resource.clone(), Context::background())
}

/// Waits for what must come by itself.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(Duration::from_secs(10), work).await;
    ended.expect("it comes")
}

/// Asks on a task of its own.
fn asking(
    tasks: &TaskTracker,
    flight: &Arc<SingleFlight>,
    question: Question,
) -> JoinHandle<Result<Stashed, ProxyError>> {
    let flight = Arc::clone(flight);
    tasks.spawn(async move { flight.stash(&question).await })
}

/// The class that the one question has now.
fn class(fake: &Fake) -> Class {
    fake.questions()[0].context.urgency.class()
}

#[tokio::test]
async fn a_flight_is_as_urgent_as_those_that_wait_for_it() {
    let (fake, flight) = single_flight(8);
    fake.hold();
    let tasks = TaskTracker::new();
    let first = asking(&tasks, &flight, background(&list()));
    fake.reached(1).await;
    assert_eq!(class(&fake), Class::Background);
    let urgency = fake.questions()[0].context.urgency.clone();

    let joining = asking(&tasks, &flight, question(&list()));
    soon(urgency.changed(Class::Background)).await;
    assert_eq!(class(&fake), Class::Interactive, "an interactive caller joined");
    joining.abort();
    soon(urgency.changed(Class::Interactive)).await;
    assert_eq!(class(&fake), Class::Background, "it left");

    let interactive = question(&list());
    let joined = flight.stash(&interactive);
    fake.release();
    assert_eq!(joined.await.unwrap().outcome, Outcome::Coalesced);
    first.await.unwrap().unwrap();
    assert_eq!(fake.count(), 1);
}

#[tokio::test]
async fn a_flight_has_no_caller_and_no_deadline_but_the_trace_of_who_started_it() {
    let (fake, flight) = single_flight(8);
    let mut asked = question(&list());
    asked.context.caller = Caller::Named("build-7".into());
    asked.context.deadline = Some(Instant::now() + Duration::from_secs(60));
    asked.context.trace = Trace::of("r-1");
    flight.stash(&asked).await.unwrap();
    let context = fake.questions()[0].context.clone();
    assert_eq!((context.caller, context.deadline), (Caller::Stoa, None));
    assert_eq!(context.trace.to_string(), "r-1");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_wait_of_its_caller_and_nothing_else() {
    let (fake, flight) = single_flight(8);
    fake.hold();
    let patient = asking(&TaskTracker::new(), &flight, question(&list()));
    fake.reached(1).await;
    let mut hasty = question(&list());
    let began = Instant::now();
    hasty.context.deadline = Some(began + Duration::from_secs(3));
    let error = flight.stash(&hasty).await.unwrap_err();
    assert_eq!(error.meaning(), Meaning::Deadline);
    assert_eq!(
        error.to_string(),
        "example.com/a/@v/list: the time that the caller gave is over"
    );
    assert_eq!(began.elapsed().as_secs(), 3);
    fake.release();
    patient.await.unwrap().unwrap();
    assert_eq!(fake.count(), 1, "one flight for both");
}

#[tokio::test]
async fn more_flights_than_allowed_are_refused_and_the_next_one_starts_when_one_has_ended() {
    let (fake, flight) = single_flight(1);
    fake.text(&info(), "{}");
    fake.hold();
    let first = asking(&TaskTracker::new(), &flight, question(&list()));
    fake.reached(1).await;
    let error = flight.stash(&question(&info())).await.unwrap_err();
    assert_eq!(error.meaning(), Meaning::Overloaded);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(5)));
    fake.release();
    first.await.unwrap().unwrap();
    // The key is free when the flight's task has let go of it, which is after its callers were answered.
    while flight.stash(&question(&info())).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(fake.asked(), [list(), info()]);
}

#[tokio::test]
async fn a_question_that_was_passed_on_does_not_wait_for_a_flight_that_may_be_passed_on() {
    let (fake, flight) = single_flight(8);
    fake.hold();
    let tasks = TaskTracker::new();
    let own = asking(&tasks, &flight, question(&list()));
    fake.reached(1).await;
    let mut passed_on = question(&list());
    passed_on.context.hops = Hops::One;
    let passed_on = asking(&tasks, &flight, passed_on);
    fake.reached(2).await;
    let hops: Vec<_> = fake.questions().iter().map(|q| q.context.hops).collect();
    assert_eq!(hops, [Hops::None, Hops::One]);
    fake.release();
    own.await.unwrap().unwrap();
    passed_on.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_follows_from_a_question_is_background_work() {
    let (fake, layer) = (Fake::new(), TaskTracker::new());
    fake.text(&latest(), "{\"Version\":\"v1.0.0\"}");
    fake.text(&info(), "{\"Version\":\"v1.0.0\"}");
    let resolved = ResolvedInfo::new(Arc::new(fake.clone()), layer.clone());
    let mut asked = question(&latest());
    asked.context.trace = Trace::of("r-1");
    resolved.get(&asked).await.unwrap();
    settle(&layer).await;
    let questions = fake.questions();
    let followed = &questions[1];
    assert_eq!(followed.resource, info());
    assert_eq!(followed.context.urgency.class(), Class::Background);
    assert_eq!(followed.context.trace.to_string(), "r-1");
}

#[tokio::test]
async fn an_interactive_question_goes_ahead_of_a_thousand_background_ones() {
    const WAITING: usize = 1000;
    // Of the four permits of the lane, background work gets three tenths, which is one.
    const ON_THE_WIRE: usize = 1;
    let lab = Lab::crowded(2 * WAITING).await;
    let gate = Gate::new();
    lab.upstream.answer_with({
        let gate = gate.clone();
        move |_| Reply::ok("v1.0.0\n").held(&gate)
    });
    let tasks = TaskTracker::new();
    let ask = |question: Question| {
        let protocol = Arc::clone(&lab.protocol);
        tasks.spawn(async move { protocol.get(&question).await.map(drop) })
    };
    let list_of = |n: usize| resource(&format!("example.com/m{n}/@v/list"));
    let mut waiting: Vec<_> = (0..WAITING).map(|n| ask(background(&list_of(n)))).collect();
    gate.reached(ON_THE_WIRE).await;
    lab.queued(WAITING - ON_THE_WIRE).await;
    // One asks for something new, and one joins a background flight that is queued behind most others.
    let joined = WAITING - 1;
    let urgent = [ask(question(&list())), ask(question(&list_of(joined)))];
    gate.reached(ON_THE_WIRE + urgent.len()).await;
    gate.release();
    for asked in urgent {
        asked.await.unwrap().unwrap();
    }
    for asked in waiting.drain(..) {
        asked.await.unwrap().unwrap();
    }
    let order: Vec<_> = lab
        .upstream
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(order.len(), WAITING + 1, "the one that joined cost no request");
    let place = |path: &str| order.iter().position(|asked| asked == path).unwrap();
    let places = [
        place("/example.com/a/@v/list"),
        place(&format!("/example.com/m{joined}/@v/list")),
    ];
    assert_eq!(
        places.iter().max(),
        Some(&(ON_THE_WIRE + 1)),
        "only what was on the wire came before"
    );
}
