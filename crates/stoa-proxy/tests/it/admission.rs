//! How many may wait.

use std::sync::Arc;

use futures_util::FutureExt;
use stoa_proxy::{Admission, Answer, Meaning, ProxyError, growing};
use tokio::task::JoinSet;

use crate::{
    fake::{Fake, Say, broken},
    lab::{Ask, info, list, zip},
    single_flight::Zeros,
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
async fn an_answer_that_is_there_holds_no_permit() {
    let (_fake, admission) = admission(1);
    let unread = at_once(&admission).unwrap();
    at_once(&admission).unwrap();
    drop(unread);
}

#[tokio::test]
async fn a_growing_answer_holds_its_permit_until_it_has_ended_however_slowly_it_is_read() {
    let (fake, admission) = admission(1);
    let (writer, growing) = growing(None, Arc::new(Zeros));
    fake.say(&zip(), Say::Growing(growing));
    let unread = admission.ask(&zip()).await.unwrap().into_parts();
    assert_refused(&admission);
    writer.finish(Ok(()));
    at_once(&admission).unwrap();
    drop(unread);
}

#[tokio::test]
async fn who_leaves_a_growing_answer_gives_the_permit_back_before_it_ends() {
    let (fake, admission) = admission(1);
    let (_writer, growing) = growing(None, Arc::new(Zeros));
    fake.say(&zip(), Say::Growing(growing));
    let (body, held) = admission.ask(&zip()).await.unwrap().into_parts();
    drop(body);
    assert_refused(&admission);
    drop(held);
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
