//! `off`: the word of a GOPROXY list that ends it.

use std::fmt;

use async_trait::async_trait;

use crate::{FetchError, Fetched, Fetcher, Question};

/// `off`: no source is asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Off;

impl fmt::Display for Off {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("off")
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Fetcher for Off {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        let reason = format!(
            "module lookup of {} is disabled: its upstream list says off",
            question.resource.module()
        );
        Err(FetchError::Refused { reason })
    }
}
