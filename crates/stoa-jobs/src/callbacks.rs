//! How the end of a job is told to those who asked for it.

use std::fmt;

use crate::{Job, NewJob};

/// Makes jobs that tell of the end of another one.
///
/// A store submits them together with the end itself, in one transaction. So each end is told as durably as any job is done,
/// whatever dies in between.
pub trait Callbacks: fmt::Debug + Send + Sync + 'static {
    /// The jobs that tell each submitter of `job`, which has ended just now. They have ids of their own, or none.
    fn of(&self, job: &Job) -> Vec<NewJob>;
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
pub struct NoCallbacks;

#[deny(clippy::missing_trait_methods)]
impl Callbacks for NoCallbacks {
    fn of(&self, _job: &Job) -> Vec<NewJob> {
        Vec::new()
    }
}
