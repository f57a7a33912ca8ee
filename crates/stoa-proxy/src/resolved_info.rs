//! The `.info` behind an answered query.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::{Answer, Content, Protocol, ProxyError, parse_info};
use stoa_fetch::Question;
use stoa_module::Resource;

/// How many are brought in at once. More are left for the next time somebody asks.
const AT_ONCE: usize = 64;

/// Brings in the `.info` of the version that `@latest`, a branch or a hash resolved to.
///
/// The go command takes the answer of a query for the `.info` of the version it names, and never asks for that. Without
/// this layer the `.mod` and `.zip` of such a version would be stored without it, and the version could not be
/// downloaded by anybody else once its source is gone. The answer itself is not stored in its place: it may differ, for
/// instance in the ref of its origin.
///
/// Sits outside of the stasher, so that joining, bounding and a look into storage come with it, and inside of the
/// memory, so that it is done once for each answer of a source. Nobody waits for it, and its failure is nobody's.
#[derive(Debug)]
pub struct ResolvedInfo {
    inner: Arc<dyn Protocol>,
    turns: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl ResolvedInfo {
    /// Asks `inner`, also for what nobody asked for; that runs on `tasks`.
    pub fn new(inner: Arc<dyn Protocol>, tasks: TaskTracker) -> Self {
        Self {
            inner,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            tasks,
        }
    }

    fn bring_in(&self, question: Question) {
        let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() else {
            return;
        };
        let inner = Arc::clone(&self.inner);
        let work = async move {
            if let Err(error) = inner.get(&question).await {
                tracing::debug!(%question, error = %error.report(), "the .info of a resolved version was not brought in");
            }
            drop(turn);
        };
        self.tasks.spawn(work.in_current_span());
    }
}

impl fmt::Display for ResolvedInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resolved_info > {}", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Protocol for ResolvedInfo {
    async fn get(&self, question: &Question) -> Result<Answer, ProxyError> {
        let answer = self.inner.get(question).await?;
        if let (Resource::Latest(path) | Resource::Query(path, _), Content::Bytes(json)) =
            (&question.resource, &answer.content)
            && let Ok(info) = parse_info(path, json)
        {
            let context = question.context.behind();
            self.bring_in(Question::new(Resource::Info(info.target), context));
        }
        Ok(answer)
    }
}
