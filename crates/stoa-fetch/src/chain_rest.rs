//! The rest of a body of a GOPROXY list.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::{Fallback, FetchError, Fetched, Question, Rest, step::Step};

/// Asks the source that sent the beginning, then those behind it.
///
/// A body that breaks off is a failure, after which only `|` lets the next source be asked.
#[derive(Debug)]
pub(crate) struct ChainRest {
    steps: Arc<[Step]>,
    question: Question,
    at: usize,
    /// The rest of what the step `at` has sent; `None` if it has sent nothing, or says always all.
    of_step: Option<Box<dyn Rest>>,
    /// Whether the step `at` has been asked.
    is_asked: bool,
}

impl ChainRest {
    pub(crate) fn new(
        steps: Arc<[Step]>,
        question: Question,
        at: usize,
        of_step: Option<Box<dyn Rest>>,
    ) -> Self {
        Self {
            steps,
            question,
            at,
            of_step,
            is_asked: true,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Rest for ChainRest {
    async fn ask(&mut self, from: u64, deadline: Instant) -> Result<Fetched, FetchError> {
        if let Some(of_step) = &mut self.of_step {
            return of_step.ask(from, deadline).await;
        }
        let step = self
            .steps
            .get(self.at)
            .ok_or_else(|| FetchError::not_found("the upstream list has ended"))?;
        let mut question = self.question.clone();
        question.context.deadline = Some(deadline);
        question.context.again = self.is_asked;
        self.is_asked = true;
        let mut fetched = step.ask(&question).await?;
        self.of_step = fetched.rest.take();
        Ok(fetched)
    }

    fn has_next(&self) -> bool {
        let falls_back = |step: &Step| step.fallback == Fallback::Any;
        self.at + 1 < self.steps.len() && self.steps.get(self.at).is_some_and(falls_back)
    }

    fn go_to_next(&mut self) -> bool {
        if !self.has_next() {
            return false;
        }
        self.at += 1;
        self.of_step = None;
        self.is_asked = false;
        true
    }

    fn is_spent(&self) -> bool {
        !self.has_next() && self.of_step.as_ref().is_some_and(|rest| rest.is_spent())
    }
}
