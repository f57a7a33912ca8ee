//! Which requests may not be sent.

use std::fmt;

use crate::Request;

/// Checks a request before anything is spent on it.
pub trait Filter: fmt::Debug + Send + Sync + 'static {
    /// The name, for the reason that the caller gets.
    fn name(&self) -> &str;

    /// Lets `request` pass, or says why not.
    ///
    /// # Errors
    /// The reason.
    fn check(&self, request: &Request) -> Result<(), String>;
}

/// A filter made of a function.
pub struct FilterFn<F> {
    name: &'static str,
    check: F,
}

impl<F> FilterFn<F>
where
    F: Fn(&Request) -> Result<(), String> + Send + Sync + 'static,
{
    /// A filter of this name.
    pub fn new(name: &'static str, check: F) -> Self {
        Self { name, check }
    }
}

impl<F> Filter for FilterFn<F>
where
    F: Fn(&Request) -> Result<(), String> + Send + Sync + 'static,
{
    fn name(&self) -> &str {
        self.name
    }

    fn check(&self, request: &Request) -> Result<(), String> {
        (self.check)(request)
    }
}

impl<F> fmt::Debug for FilterFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilterFn({})", self.name)
    }
}
