//! What was taken for later: what is open, and what has ended a moment ago.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use stoa_jobs::{Failure, JobId};
use stoa_module::{ModuleVersion, WantedFiles};
use tokio::{sync::OnceCell, time::Instant};

use crate::ProxyError;

/// What is brought in.
pub(super) type Wanted = (ModuleVersion, WantedFiles);

/// The job of a module, as soon as it is submitted.
type Place = Arc<OnceCell<JobId>>;

/// What was taken for later. Its size is bounded by who submits: it has what is open, and what has ended in a time.
#[derive(Debug)]
pub(super) struct Taken {
    entries: HashMap<Wanted, Known>,
    /// When jobs ended, the earliest first.
    ended: VecDeque<(Instant, Wanted)>,
    kept: Duration,
}

/// What is known of a module.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// It is being brought in, or is about to be.
    Open(Place),
    /// It could not be had.
    Failed(Failed),
}

/// What could not be had.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    pub(super) at: Instant,
    pub(super) failure: Failure,
    pub(super) id: JobId,
}

impl Taken {
    /// Knows of ends for as long as their jobs are `kept`.
    pub(super) fn new(kept: Duration) -> Self {
        Self {
            entries: HashMap::new(),
            ended: VecDeque::new(),
            kept,
        }
    }

    /// What is known of `wanted`, unless that is a failure that `is_old`; else a place for its job.
    pub(super) fn get(&mut self, wanted: &Wanted, is_old: impl Fn(&Failed) -> bool) -> Known {
        match self.entries.get(wanted) {
            Some(Known::Failed(failed)) if is_old(failed) => {}
            Some(known) => return known.clone(),
            None => {}
        }
        let open = Known::Open(Place::default());
        self.entries.insert(wanted.clone(), open.clone());
        open
    }

    /// Knows of a job that is open. Not, if another one is known already.
    pub(super) fn adopt(&mut self, wanted: &Wanted, id: &JobId) -> bool {
        let is_new = !self.entries.contains_key(wanted);
        if is_new {
            let place = Arc::new(OnceCell::new_with(Some(id.clone())));
            self.entries.insert(wanted.clone(), Known::Open(place));
        }
        is_new
    }

    /// A job has ended.
    pub(super) fn over(&mut self, wanted: &Wanted, id: &JobId, failure: Option<Failure>) {
        let at = Instant::now();
        // Its caller may have gone before it knew the id, and another one may have taken the place since.
        let is_other = match self.entries.get(wanted) {
            Some(Known::Open(place)) => place.get().is_some_and(|other| other != id),
            _ => false,
        };
        if !is_other {
            self.entries.remove(wanted);
            if let Some(failure) = failure {
                let id = id.clone();
                self.entries
                    .insert(wanted.clone(), Known::Failed(Failed { at, failure, id }));
            }
        }
        self.ended.push_back((at, wanted.clone()));
    }

    /// How many have ended, of those whose jobs are kept.
    pub(super) fn ended(&mut self) -> usize {
        while let Some((at, _)) = self.ended.front()
            && at.elapsed() >= self.kept
            && let Some((at, wanted)) = self.ended.pop_front()
        {
            if matches!(self.entries.get(&wanted), Some(Known::Failed(failed)) if failed.at == at) {
                self.entries.remove(&wanted);
            }
        }
        self.ended.len()
    }
}

/// One who asks for a module that is open. The last one who leaves without a job takes the place away.
#[derive(Debug)]
pub(super) struct Ticket<'a> {
    taken: &'a Mutex<Taken>,
    wanted: Wanted,
    place: Option<Place>,
}

impl<'a> Ticket<'a> {
    pub(super) fn new(taken: &'a Mutex<Taken>, wanted: Wanted, place: Place) -> Self {
        let place = Some(place);
        Self { taken, wanted, place }
    }

    /// The job, which is submitted by the first one who asks.
    pub(super) async fn id<F, W>(&self, submit: F) -> Result<JobId, ProxyError>
    where
        F: FnOnce() -> W,
        W: Future<Output = Result<JobId, ProxyError>>,
    {
        match &self.place {
            Some(place) => place.get_or_try_init(submit).await.cloned(),
            None => submit().await,
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        // Places are only cloned and given back under the lock, so that the last one knows that it is.
        let mut taken = self.taken.lock();
        self.place = None;
        if let Some(Known::Open(place)) = taken.entries.get(&self.wanted)
            && Arc::strong_count(place) == 1
            && !place.initialized()
        {
            taken.entries.remove(&self.wanted);
        }
    }
}
