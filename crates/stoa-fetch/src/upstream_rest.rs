//! The rest of a body of a GOPROXY server.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::{
    FetchError, Fetched, Question, Rest,
    outbound::{Part, Validator},
    server::Server,
};

/// Asks a server for a part of what it has sent before, as long as it says that this has not changed.
#[derive(Debug)]
pub(crate) struct UpstreamRest {
    server: Arc<Server>,
    question: Question,
    /// What the latest answer is known by. Without it no part is asked for: it could be one of another content.
    validator: Option<Validator>,
}

impl UpstreamRest {
    pub(crate) fn new(server: Arc<Server>, question: Question, validator: Option<Validator>) -> Self {
        Self {
            server,
            question,
            validator,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Rest for UpstreamRest {
    async fn ask(&mut self, from: u64, deadline: Instant) -> Result<Fetched, FetchError> {
        let mut question = self.question.clone();
        question.context.deadline = Some(deadline);
        question.context.again = true;
        if from > 0
            && let Some(validator) = &self.validator
        {
            let part = Part { from, validator };
            match self.server.ask(&question, Some(part)).await? {
                Some((fetched, validator)) if fetched.start == 0 => {
                    self.validator = validator;
                    return Ok(fetched);
                }
                Some((fetched, _same)) => return Ok(fetched),
                // It does not answer such questions as it should, and is asked none any more.
                None => self.validator = None,
            }
        }
        let whole = self.server.ask(&question, None).await?;
        let (fetched, validator) = whole.ok_or_else(|| {
            FetchError::invalid(self.server.name(), "a part was sent, and all of it was asked for")
        })?;
        self.validator = validator;
        Ok(fetched)
    }

    fn has_next(&self) -> bool {
        false
    }

    fn go_to_next(&mut self) -> bool {
        false
    }

    fn is_spent(&self) -> bool {
        false
    }
}
