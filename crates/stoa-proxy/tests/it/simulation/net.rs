//! What is between the nodes of a simulation, and where they fetch.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, future::ready, stream};
use parking_lot::Mutex;
use stoa_fetch::{FetchError, Fetched, Fetcher, Phase, Question, SourceName};
use stoa_module::Resource;
use stoa_proxy::{About, Content, KnockAnswer, Peer, PeerFailure, PeerQuestion, Reach, Stasher, file_key};
use stoa_storage::Storage;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::lab::read;

/// A node that says nothing for so long is given up.
pub(super) const SILENCE: Duration = Duration::from_secs(2);

pub(super) fn content(resource: &Resource) -> Bytes {
    format!("module {}\n", resource.module()).into()
}

/// The source of all nodes. It takes its time, and counts.
pub(super) struct Source {
    pub(super) asked: Mutex<HashMap<Resource, usize>>,
    pub(super) random: Mutex<fastrand::Rng>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("source")
    }
}

#[async_trait]
impl Fetcher for Source {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        *self.asked.lock().entry(question.resource.clone()).or_default() += 1;
        let time = self.random.lock().u64(50..800);
        sleep(Duration::from_millis(time)).await;
        let pieces = stream::once(ready(Ok(content(&question.resource)))).boxed();
        Fetched::new(SourceName::new("source"), None, 1 << 20, pieces)
    }
}

/// What is asked inside of a node.
type Inside = (Arc<dyn Stasher>, Arc<dyn Storage>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Up,
    /// It stops where it is.
    Paused,
    Dead,
}

/// What others reach of a node.
pub(super) struct Place {
    pub(super) life: watch::Sender<Life>,
    /// Those on one side reach one another.
    pub(super) side: watch::Sender<u8>,
    pub(super) inside: Mutex<Option<Inside>>,
}

/// A node as another one asks it.
pub(super) struct Wire {
    pub(super) from: Arc<Place>,
    pub(super) to: Arc<Place>,
    pub(super) id: Arc<str>,
    pub(super) down_until: Mutex<Option<Instant>>,
}

impl Wire {
    fn is_cut(&self) -> bool {
        *self.from.side.borrow() != *self.to.side.borrow()
    }

    /// Waits until nothing comes of it any more.
    async fn fallen_silent(&self) {
        let (mut life, mut here, mut there) = (
            self.to.life.subscribe(),
            self.from.side.subscribe(),
            self.to.side.subscribe(),
        );
        while *life.borrow_and_update() == Life::Up && !self.is_cut() {
            tokio::select! {
                _ = life.changed() => {}
                _ = here.changed() => {}
                _ = there.changed() => {}
            }
        }
        if *self.to.life.borrow() != Life::Dead || self.is_cut() {
            sleep(SILENCE).await;
        }
    }

    async fn answer(&self, question: &PeerQuestion) -> Result<Content, FetchError> {
        let (stasher, storage) = self.to.inside.lock().clone().unwrap();
        sleep(Duration::from_millis(1)).await;
        if question.stored_only {
            let stored = storage
                .open(&file_key(&question.resource).unwrap())
                .await
                .unwrap();
            return stored
                .map(Content::Stored)
                .ok_or_else(|| FetchError::not_found("not stored here"));
        }
        let asked = Question::new(question.resource.clone(), question.context.clone());
        let stashed = stasher.stash(&asked).await;
        let stashed = stashed.map_err(|error| PeerFailure::of(&error).into_error(&self.source_name()))?;
        Ok(stashed.content)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

#[async_trait]
impl Peer for Wire {
    fn source_name(&self) -> SourceName {
        SourceName::new(format!("node {}", self.id))
    }

    fn is_up(&self) -> bool {
        self.down_until.lock().is_none_or(|until| until <= Instant::now())
    }

    fn reach(&self) -> Reach {
        Reach::Unknown
    }

    fn heard_ago(&self) -> Option<Duration> {
        None
    }

    fn is_draining(&self) -> bool {
        false
    }

    async fn knock(&self) -> Result<KnockAnswer, FetchError> {
        Ok(KnockAnswer::default())
    }

    async fn ask(&self, question: &PeerQuestion) -> Result<Fetched, FetchError> {
        let silent = || FetchError::Timeout {
            source_name: self.source_name(),
            phase: Phase::Response,
            after: SILENCE,
        };
        let answer = tokio::select! {
            answer = self.answer(question), if *self.to.life.borrow() == Life::Up && !self.is_cut() => answer,
            () = self.fallen_silent() => Err(silent()),
        };
        if answer.as_ref().is_err_and(|error| !error.is_not_found()) {
            *self.down_until.lock() = Some(Instant::now() + Duration::from_secs(2));
        }
        let bytes = read(answer?).await.unwrap();
        let pieces = stream::once(ready(Ok(bytes))).boxed();
        let fetched = Fetched::new(self.source_name(), None, 1 << 20, pieces)?;
        Ok(Fetched {
            of_repository: true,
            ..fetched
        })
    }

    async fn tell(&self, _: About) -> Result<(), FetchError> {
        Ok(())
    }

    async fn ask_database(&self, _: &str, _: &str, _: u64) -> Result<Bytes, FetchError> {
        Err(FetchError::not_found("none here"))
    }
}
