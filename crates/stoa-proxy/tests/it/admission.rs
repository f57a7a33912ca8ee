//! How many may wait.

use std::sync::Arc;

use futures_util::FutureExt;
use stoa_proxy::{Admission, Answer, Meaning, ProxyError};
use tokio::task::JoinSet;

use crate::{
    fake::{Fake, broken},
    lab::{Ask, info, list},
};

fn admission(requests: usize) -> (Fake, Arc<Admission>) {
    let fake = Fake::new();
    fake.text(&info(), "here");
    let admission = Admission::new(Arc::new(fake.clone()), requests);
    (fake, Arc::new(admission))
}

/// The answer, which must not take waiting.
fn at_once(admission: &Admission) -> Result<Answer, ProxyError> {
    admission.ask(&info()).now_or_never().expect("it does not wait")
}

fn assert_refused(admission: &Admission) {
    let error = at_once(admission).unwrap_err();
    assert_eq!(error.meaning(), Meaning::Overloaded);
    assert!(error.retry_after().is_some_and(|after| !after.is_zero()));
    assert!(error.to_string().contains("pool.requests"), "{error}");
}

#[tokio::test]
async fn one_more_than_the_bound_is_refused_at_once() {
    let (fake, admission) = admission(2);
    fake.hold();
    let mut waiting = JoinSet::new();
    for _ in 0..2 {
        let admission = Arc::clone(&admission);
        waiting.spawn(async move { admission.ask(&info()).await.map(drop) });
    }
    fake.reached(2).await;
    assert_refused(&admission);
    assert_eq!(fake.count(), 2, "the inner layers do not hear of it");
    fake.release();
    waiting.join_all().await.into_iter().for_each(|got| got.unwrap());
    at_once(&admission).unwrap();
}

#[tokio::test]
async fn a_permit_is_held_until_the_body_has_been_sent() {
    let (_fake, admission) = admission(1);
    let answer = at_once(&admission).unwrap();
    assert_refused(&admission);
    let (body, held) = answer.into_parts();
    assert_refused(&admission);
    drop(body);
    assert_refused(&admission);
    drop(held);
    let answer = at_once(&admission).unwrap();
    let kept = answer.holding("something else");
    assert_refused(&admission);
    drop(kept);
    at_once(&admission).unwrap();
}

#[tokio::test]
async fn an_error_and_a_caller_who_leaves_give_the_permit_back() {
    let (fake, admission) = admission(1);
    fake.fail(&list(), broken());
    for _ in 0..3 {
        let error = admission.ask(&list()).await.unwrap_err();
        assert_eq!(error.meaning(), Meaning::BadUpstream);
    }
    fake.hold();
    let info = info();
    let mut leaving = admission.ask(&info);
    assert!((&mut leaving).now_or_never().is_none());
    assert_refused(&admission);
    drop(leaving);
    fake.release();
    at_once(&admission).unwrap();
}
