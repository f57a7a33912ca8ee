//! What every outbound URL is held to.

use std::sync::Arc;

use stoa_vcs::Credentials;

use super::{Guards, NamedModules, Rewrites, Trust, UrlGuard};

/// What every outbound URL is held to: those that [`HttpClient`](crate::HttpClient) asks for pages and GOPROXY servers, and
/// those that the programs of [`Repositories`](crate::Repositories) ask.
#[derive(Clone, Debug)]
pub struct OutboundRules {
    /// Where URLs lead instead, once.
    pub rewrites: Rewrites,
    /// Which hosts URLs may lead to, by who says so.
    pub guards: Guards,
    /// Which modules the configuration names.
    pub modules: NamedModules,
    /// What to present, by the URL that is asked for in the end: see [`Self::credentials_for`].
    pub credentials: Option<Arc<dyn Credentials>>,
}

impl OutboundRules {
    /// What may be presented at URLs that were found with this trust.
    pub fn credentials_for(&self, trust: Trust) -> Option<&Arc<dyn Credentials>> {
        self.credentials.as_ref().filter(|_| trust.has_credentials())
    }
}

/// Nothing is rewritten, everything is allowed, nothing is presented.
impl Default for OutboundRules {
    fn default() -> Self {
        Self {
            rewrites: Rewrites::default(),
            guards: Guards::new(UrlGuard::new(true)),
            modules: NamedModules::default(),
            credentials: None,
        }
    }
}
