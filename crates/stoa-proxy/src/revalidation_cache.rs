//! Answers from memory: what may change, and what is not there.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::{
    Answer, Content, Outcome, Protocol, ProxyError, Refreshes,
    answer_cache::{AnswerCache, Entry},
};
use stoa_fetch::Question;
use stoa_module::Resource;

/// How long answers are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevalidationOptions {
    /// `list`, `@latest` and branch queries are fresh for so long.
    pub list_ttl: Duration,
    /// After that, and for so long, they are given out stale at once while a refresh runs. Older ones wait for the
    /// refresh, and are given out only if it fails.
    pub stale_ttl: Duration,
    /// "There is no such thing" is believed for so long, but of a fixed file a second at most; also the pause after a failed
    /// refresh.
    pub negative_ttl: Duration,
    /// Memory for all of it, in bytes.
    pub capacity: u64,
}

impl Default for RevalidationOptions {
    fn default() -> Self {
        Self {
            list_ttl: Duration::from_secs(60),
            stale_ttl: Duration::from_secs(600),
            negative_ttl: Duration::from_secs(30),
            capacity: 16 << 20,
        }
    }
}

/// How long "there is no such file" is believed of a file that never changes once it is there. Only those who ask together
/// share it: whoever asks later may have pushed it meanwhile, and the go command asks for such files by name, not by guess.
const MISSED: Duration = Duration::from_secs(1);

/// Remembers answers that may change, and not-found for everything.
///
/// * Fresh: answered from memory.
/// * Over its time: answered from memory while one refresh runs behind it; "not found" instead waits for the refresh,
///   since whoever asks again has probably just pushed.
/// * Older than something new of its module ([`Refreshes`]): the source is asked, and the old answer given only if it fails.
/// * The source fails: the old answer is given, however old, and the source is left alone for a while. What an inner
///   layer puts in its place ([`Outcome::Stale`]) is remembered only where there is no such answer, and for that while.
///
/// Outermost layer, so that the cheapest answers touch nothing else. Refreshes run on the owner's tasks: a client that
/// goes away does not stop them.
#[derive(Debug)]
pub struct RevalidationCache {
    answers: Arc<Answers>,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct Answers {
    inner: Arc<dyn Protocol>,
    cache: AnswerCache,
    options: RevalidationOptions,
    refreshes: Arc<Refreshes>,
}

enum Age {
    Fresh,
    Refreshable,
    Old,
}

impl RevalidationCache {
    /// Remembers what `inner` answers.
    pub fn new(
        inner: Arc<dyn Protocol>,
        options: RevalidationOptions,
        refreshes: Arc<Refreshes>,
        tasks: TaskTracker,
    ) -> Self {
        let cache = AnswerCache::new(options.capacity);
        Self {
            answers: Arc::new(Answers {
                inner,
                cache,
                options,
                refreshes,
            }),
            tasks,
        }
    }

    /// Refreshes behind the stale answer that is being given out.
    fn refresh_behind(&self, question: &Question, entry: &Arc<Entry>) {
        if entry.is_resting(None) {
            return;
        }
        let Some(permit) = entry.refresh_permit() else {
            return;
        };
        let question = Question::new(question.resource.clone(), question.context.behind());
        let (answers, entry) = (Arc::clone(&self.answers), Arc::clone(entry));
        let work = async move {
            match answers.ask(&question, Some(&entry)).await {
                Ok(answer) if is_second_best(&answer, &entry) => entry.rest(answers.options.negative_ttl),
                Err(error) if !error.is_not_found() => {
                    tracing::warn!(%question, error = %error.report(), "refresh failed; the old answer stays in use");
                    entry.rest(answers.options.negative_ttl);
                }
                _ => {}
            }
            drop(permit);
        };
        self.tasks.spawn(work.in_current_span());
    }
}

impl Answers {
    fn age(&self, resource: &Resource, entry: &Entry, renewed: Option<Instant>) -> Age {
        let (age, options) = (entry.age(), &self.options);
        match entry.result {
            // What stands in for a source is good for as long as that is left alone.
            _ if renewed.is_some() || entry.stands_in => Age::Old,
            Ok(_) if age < options.list_ttl => Age::Fresh,
            Ok(_) if age < options.list_ttl + options.stale_ttl => Age::Refreshable,
            Err(_) if is_missed(resource, entry) && age >= MISSED => Age::Old,
            Err(_) if age < options.negative_ttl => Age::Fresh,
            _ => Age::Old,
        }
    }

    /// Asks the inner layers and remembers what they say, unless that is worse than the entry there is.
    async fn ask(&self, question: &Question, known: Option<&Entry>) -> Result<Answer, ProxyError> {
        let (resource, asked) = (&question.resource, Instant::now());
        match self.inner.get(question).await {
            Ok(answer) if known.is_some_and(|entry| is_second_best(&answer, entry)) => Ok(answer),
            Ok(answer) => {
                match &answer.content {
                    Content::Bytes(bytes) if resource.is_mutable() => {
                        let stands_in = answer.outcome == Outcome::Stale;
                        let entry = self.cache.put(resource, Ok(bytes.clone()), stands_in, asked);
                        if stands_in {
                            entry.rest(self.options.negative_ttl);
                        }
                    }
                    _ => self.cache.forget(resource),
                }
                Ok(answer)
            }
            Err(error) => {
                // A path at which its source fails is not asked for again at once; what was known of it before is better.
                let is_known = known.is_some_and(|entry| !is_failure(entry));
                if error.is_not_found() || (error.is_of_path() && !is_known) {
                    let remembered = error.clone().remembered();
                    let _ = self.cache.put(resource, Err(remembered), false, asked);
                }
                Err(error)
            }
        }
    }
}

/// Whether the answer only stands in for a source that failed, while the entry is that source's own word.
fn is_second_best(answer: &Answer, entry: &Entry) -> bool {
    answer.outcome == Outcome::Stale && entry.result.is_ok() && !entry.stands_in
}

/// Whether it is known that a fixed file is not there.
fn is_missed(resource: &Resource, entry: &Entry) -> bool {
    !resource.is_mutable() && matches!(&entry.result, Err(error) if error.is_not_found())
}

/// Whether nothing is known but that the source has failed here.
fn is_failure(entry: &Entry) -> bool {
    matches!(&entry.result, Err(error) if !error.is_not_found())
}

fn from_memory(result: &Result<Bytes, ProxyError>, outcome: Outcome) -> Result<Answer, ProxyError> {
    result
        .as_ref()
        .map(|bytes| Answer::new(Content::Bytes(bytes.clone()), outcome))
        .map_err(Clone::clone)
}

impl fmt::Display for RevalidationCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "revalidation_cache > {}", self.answers.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Protocol for RevalidationCache {
    async fn get(&self, question: &Question) -> Result<Answer, ProxyError> {
        let resource = &question.resource;
        let Some(entry) = self.answers.cache.get(resource) else {
            return self.answers.ask(question, None).await;
        };
        let renewed = self
            .answers
            .refreshes
            .after(resource.module().as_str(), entry.asked);
        match self.answers.age(resource, &entry, renewed) {
            Age::Fresh => {
                let mut answer = from_memory(&entry.result, Outcome::Hit)?;
                answer.fresh_for = Some(self.answers.options.list_ttl.saturating_sub(entry.age()));
                answer.asked = Some(entry.asked);
                Ok(answer)
            }
            Age::Refreshable => {
                self.refresh_behind(question, &entry);
                from_memory(&entry.result, Outcome::Stale)
            }
            Age::Old if entry.is_resting(renewed) => from_memory(&entry.result, Outcome::Stale),
            Age::Old => match self.answers.ask(question, Some(&entry)).await {
                Ok(answer) if is_second_best(&answer, &entry) => {
                    entry.rest(self.answers.options.negative_ttl);
                    from_memory(&entry.result, Outcome::Stale)
                }
                // A fixed file that was missing and whose source now fails is a failure: what was true of it half a minute ago
                // may have changed by the push that the client is waiting for. So is what somebody says to be new. That
                // there is no such module is an answer like others: builds go on that ask for it by guess.
                Err(error)
                    if !error.is_not_found()
                        && resource.is_mutable()
                        && !is_failure(&entry)
                        && (entry.result.is_ok() || renewed.is_none()) =>
                {
                    tracing::warn!(%resource, error = %error.report(), "the source failed; an old answer is given");
                    entry.rest(self.answers.options.negative_ttl);
                    from_memory(&entry.result, Outcome::Stale)
                }
                answer => answer,
            },
        }
    }
}
