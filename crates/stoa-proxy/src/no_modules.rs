//! Who serves no modules.

use std::fmt;

use async_trait::async_trait;
use stoa_fetch::Question;

use crate::{Answer, Cause, Protocol, ProxyError};

/// Refuses every question: a worker that listens does so for health, metrics and jobs, and whoever reaches that port need not be
/// one who may have modules.
#[derive(Clone, Copy, Debug)]
pub struct NoModules;

impl fmt::Display for NoModules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no_modules")
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Protocol for NoModules {
    async fn get(&self, question: &Question) -> Result<Answer, ProxyError> {
        let what = question.resource.to_string();
        Err(Cause::NotServed { what }.into())
    }
}
