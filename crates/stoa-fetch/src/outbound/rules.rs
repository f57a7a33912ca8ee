//! What every outbound URL is held to.

use std::sync::Arc;

use stoa_vcs::Credentials;

use super::{Rewrites, UrlGuard};

/// What every outbound URL is held to: those that [`HttpClient`](crate::HttpClient) asks for pages and GOPROXY servers, and
/// those that the programs of [`Repositories`](crate::Repositories) ask.
#[derive(Clone, Debug)]
pub struct OutboundRules {
    /// Where URLs lead instead, once.
    pub rewrites: Rewrites,
    /// Which hosts URLs may lead to that the configuration does not name: those of pages and redirects.
    pub guard: UrlGuard,
    /// What to present, by the URL that is asked for in the end.
    pub credentials: Option<Arc<dyn Credentials>>,
}

/// Nothing is rewritten, everything is allowed, nothing is presented.
impl Default for OutboundRules {
    fn default() -> Self {
        Self {
            rewrites: Rewrites::default(),
            guard: UrlGuard::new(true),
            credentials: None,
        }
    }
}
