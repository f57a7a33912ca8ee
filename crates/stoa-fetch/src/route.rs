//! Which list serves which module.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use stoa_module::PatternList;

use crate::{FetchError, Fetched, Fetcher, Question};

/// Modules that match `patterns` come from `fetcher`.
#[derive(Debug)]
pub struct Route {
    /// GOPRIVATE-style globs.
    pub patterns: PatternList,
    /// Where these modules come from.
    pub fetcher: Arc<dyn Fetcher>,
}

/// Sends each question to the first route whose patterns match the module path, or to the default.
///
/// Sits outside the chains, so that a private path never touches the sources of another route.
#[derive(Debug)]
pub struct Routes {
    routes: Vec<Route>,
    default: Arc<dyn Fetcher>,
}

impl Routes {
    /// `routes` in the order they are tried.
    pub fn new(routes: Vec<Route>, default: Arc<dyn Fetcher>) -> Self {
        Self { routes, default }
    }
}

impl fmt::Display for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("routes(")?;
        for route in &self.routes {
            write!(f, "{} => {}; ", route.patterns, route.fetcher)?;
        }
        write!(f, "{})", self.default)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Fetcher for Routes {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        let path = question.resource.module().as_str();
        let route = self.routes.iter().find(|route| route.patterns.matches(path));
        route
            .map_or(&self.default, |route| &route.fetcher)
            .fetch(question)
            .await
    }
}
