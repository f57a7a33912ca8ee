//! Bounds how many requests wait for something to be brought in.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use stoa_dispatch::Quota;

use crate::{Answer, Content, Protocol, ProxyError};
use stoa_fetch::{Question, share_of};

/// When a refused client may come back.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Admits `requests` misses at a time and refuses the rest at once. The modules of one share have three quarters of them
/// at most: whoever asks for others is admitted.
///
/// Sits inside of memory and storage, so that hits need no permit: however many misses hang, a hit is answered
/// (ADR 0004). A permit ends when there is nothing left to wait for: when the answer is there, when a growing answer has
/// been stored or has failed, or when the caller goes away. How slowly a client reads an answer is no reason to refuse
/// others.
#[derive(Debug)]
pub struct Admission {
    inner: Arc<dyn Protocol>,
    requests: usize,
    permits: Quota,
}

impl Admission {
    /// Admits `requests` at a time.
    pub fn new(inner: Arc<dyn Protocol>, requests: usize) -> Self {
        Self {
            inner,
            requests,
            permits: Quota::new(requests),
        }
    }
}

impl fmt::Display for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "admission({}) > {}", self.requests, self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Protocol for Admission {
    async fn get(&self, question: &Question) -> Result<Answer, ProxyError> {
        let share = share_of(question.resource.module());
        let permit = self.permits.try_take(&share).ok_or_else(|| {
            let reason = format!("{} requests (pool.requests) are waiting already", self.requests);
            ProxyError::overloaded(reason, RETRY_AFTER)
        })?;
        let answer = self.inner.get(question).await?;
        Ok(match &answer.content {
            Content::Growing(growing) => {
                let lent = growing.lend(permit);
                answer.holding(lent)
            }
            Content::Bytes(_) | Content::Stored(_) => answer,
        })
    }
}
