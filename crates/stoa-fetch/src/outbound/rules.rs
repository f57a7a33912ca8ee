//! What every outbound URL is held to.

use std::sync::Arc;

use stoa_vcs::Credentials;

use super::{Rewrites, UrlGuard};

/// What every outbound URL is held to, whoever asks: [`HttpClient`](crate::HttpClient) for pages and GOPROXY servers,
/// [`Repositories`](crate::Repositories) for the programs that they run.
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
