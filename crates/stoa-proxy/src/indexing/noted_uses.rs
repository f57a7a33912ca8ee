//! Notes which versions are used.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use stoa_dispatch::Class;
use stoa_fetch::Question;

use super::index_notes::IndexNotes;
use crate::{Answer, Protocol, ProxyError, file_key};

/// Notes which versions clients get. What the edge answers from its memory does not come here: it asks again after a minute at
/// the latest, which is as fine as anybody wants to know it, and so a hit in memory costs nothing more.
#[derive(Debug)]
pub struct NotedUses {
    inner: Arc<dyn Protocol>,
    notes: IndexNotes,
}

impl NotedUses {
    /// Notes what `inner` answers.
    pub fn new(inner: Arc<dyn Protocol>, notes: IndexNotes) -> Self {
        Self { inner, notes }
    }
}

impl fmt::Display for NotedUses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "noted_uses > {}", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Protocol for NotedUses {
    async fn get(&self, question: &Question) -> Result<Answer, ProxyError> {
        let answer = self.inner.get(question).await?;
        // What stoa brings in by itself is used by nobody yet.
        if question.context.urgency.class() == Class::Interactive
            && let Some(key) = file_key(&question.resource)
        {
            self.notes.used(&key.target);
        }
        Ok(answer)
    }
}
