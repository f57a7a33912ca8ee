//! The GOPROXY list at work.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use stoa_module::Resource;

use crate::{
    Entry, Fallback, FetchError, Fetched, Fetcher, FileTree, HttpClient, Off, Question, Registered, Upstream,
    UpstreamList, chain_rest::ChainRest, step::Step, whole_answer::whole_answer,
};

/// Asks the entries of a GOPROXY list in order, each question anew, as `modfetch.TryProxies` does.
///
/// After `,` the next entry is asked only when this one has no such thing; after `|` on any error, and a small answer that is
/// cut short or no answer to the question is one. When no entry
/// answers, the most telling error is reported: that of `direct` or `off`, then the first real failure, then the first
/// not-found. So a failure is never hidden by the 404 of another source.
#[derive(Debug)]
pub struct Chain {
    steps: Arc<[Step]>,
}

impl Chain {
    /// The sources of `list`: servers are asked through `client`, repositories through `direct`.
    pub fn new(list: &UpstreamList, client: &HttpClient, direct: &Arc<dyn Fetcher>) -> Self {
        let steps = list.entries().iter().map(|(entry, fallback)| {
            let fetcher: Arc<dyn Fetcher> = match entry {
                Entry::Server(base) => Arc::new(Upstream::new(base.clone(), client.clone())),
                Entry::File(root) => Arc::new(FileTree::new(root.clone(), client.limits().clone())),
                Entry::Registered(service) => Arc::new(Registered::new(service.clone(), client.clone())),
                Entry::Direct => Arc::clone(direct),
                Entry::Off => Arc::new(Off),
            };
            Step {
                fetcher,
                fallback: *fallback,
                own_word: matches!(entry, Entry::Direct | Entry::Off),
            }
        });
        Self {
            steps: steps.collect(),
        }
    }
}

impl Chain {
    /// A zip that the step `at` sends, and what the steps behind it have of it, should it break off.
    fn with_rest(&self, question: &Question, mut fetched: Fetched, at: usize) -> Fetched {
        if matches!(question.resource, Resource::Zip(_)) {
            let first = fetched.rest.take();
            let rest = ChainRest::new(Arc::clone(&self.steps), question.clone(), at, first);
            fetched.rest = Some(Box::new(rest));
        }
        fetched
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.steps.iter().enumerate() {
            write!(f, "{}", step.fetcher)?;
            if i + 1 < self.steps.len() {
                f.write_str(if step.fallback == Fallback::Any {
                    " | "
                } else {
                    ", "
                })?;
            }
        }
        Ok(())
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Fetcher for Chain {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        let mut told: Option<(u8, FetchError)> = None;
        for (at, step) in self.steps.iter().enumerate() {
            let answer = match step.ask(question).await {
                Ok(fetched) if step.fallback == Fallback::Any && at + 1 < self.steps.len() => {
                    whole_answer(question, fetched).await
                }
                answer => answer,
            };
            let error = match answer {
                Ok(fetched) => return Ok(self.with_rest(question, fetched, at)),
                Err(error) => error,
            };
            let stop = step.fallback == Fallback::NotFound && !error.is_not_found();
            let rank = rank(step, &error);
            if told.as_ref().is_none_or(|(best, _)| rank > *best) {
                told = Some((rank, error));
            }
            if stop {
                break;
            }
        }
        let (_, error) = told.unwrap_or_else(|| (0, FetchError::not_found("the upstream list is empty")));
        Err(error)
    }
}

fn rank(step: &Step, error: &FetchError) -> u8 {
    match (step.own_word, error.is_not_found()) {
        (true, _) => 2,
        (false, false) => 1,
        (false, true) => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use stoa_module::Resource;

    use super::*;
    use crate::{Context, SourceName};

    /// Fails in one way and counts how often it is asked.
    #[derive(Debug)]
    struct Fails(FetchError, AtomicUsize);

    impl fmt::Display for Fails {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("fails")
        }
    }

    #[async_trait]
    impl Fetcher for Fails {
        async fn fetch(&self, _: &Question) -> Result<Fetched, FetchError> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Err(self.0.clone())
        }
    }

    fn missing() -> FetchError {
        FetchError::not_found("missing")
    }

    fn broken() -> FetchError {
        FetchError::invalid(&SourceName::new("b"), "broken")
    }

    /// Asks a chain of failing sources; returns the error's text and how many were asked.
    async fn ask(steps: &[(FetchError, Fallback, bool)]) -> (String, usize) {
        let fails: Vec<_> = steps
            .iter()
            .map(|(e, ..)| Arc::new(Fails(e.clone(), AtomicUsize::new(0))))
            .collect();
        let chain = Chain {
            steps: fails
                .iter()
                .zip(steps)
                .map(|(f, (_, fallback, own_word))| {
                    let fetcher: Arc<dyn Fetcher> = Arc::<Fails>::clone(f);
                    Step {
                        fetcher,
                        fallback: *fallback,
                        own_word: *own_word,
                    }
                })
                .collect(),
        };
        let resource = Resource::parse("example.com/a/@v/list").expect("ok").expect("ok");
        let question = Question::new(resource, Context::background());
        let error = chain.fetch(&question).await.expect_err("all fail").to_string();
        (error, fails.iter().map(|f| f.1.load(Ordering::Relaxed)).sum())
    }

    #[tokio::test]
    async fn a_comma_goes_on_only_after_not_found() {
        use Fallback::NotFound;
        assert_eq!(
            ask(&[(missing(), NotFound, false), (missing(), NotFound, false)])
                .await
                .1,
            2
        );
        let (error, asked) = ask(&[(broken(), NotFound, false), (missing(), NotFound, false)]).await;
        assert_eq!((error.as_str(), asked), ("b sent a bad answer: broken", 1));
    }

    #[tokio::test]
    async fn a_bar_goes_on_after_any_error_and_a_failure_outranks_not_found() {
        use Fallback::{Any, NotFound};
        let (error, asked) = ask(&[(broken(), Any, false), (missing(), NotFound, false)]).await;
        assert_eq!((error.as_str(), asked), ("b sent a bad answer: broken", 2));
    }

    #[tokio::test]
    async fn the_word_of_direct_or_off_outranks_all() {
        use Fallback::{Any, NotFound};
        let off = FetchError::Refused {
            reason: "off".to_owned(),
        };
        let (error, asked) = ask(&[
            (missing(), NotFound, false),
            (broken(), Any, false),
            (off, NotFound, true),
        ])
        .await;
        assert_eq!((error.as_str(), asked), ("off", 3));
    }
}
