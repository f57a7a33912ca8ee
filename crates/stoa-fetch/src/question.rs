//! One question and its context.

use std::fmt;

use stoa_module::Resource;

use crate::Context;

/// What is asked, and the [`Context`] in which it is asked. Every port of the pipelines takes one.
#[derive(Clone, Debug)]
pub struct Question {
    /// What is asked.
    pub resource: Resource,
    /// For whom, how urgently, until when.
    pub context: Context,
}

impl Question {
    /// A question for `resource` in `context`.
    pub fn new(resource: Resource, context: Context) -> Self {
        Self { resource, context }
    }

    /// Another question that this one needs the answer of: same context.
    #[must_use]
    pub fn about(&self, resource: Resource) -> Self {
        Self::new(resource, self.context.clone())
    }
}

/// Prints the resource, as people write it.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.resource.fmt(f)
    }
}
