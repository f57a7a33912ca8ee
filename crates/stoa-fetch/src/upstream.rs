//! A GOPROXY server as a source.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use stoa_module::Resource;

use crate::{
    BaseUrl, FetchError, Fetched, Fetcher, HttpClient, ListError, Question, listed_latest::or_of_list,
    outbound::Address, server::Server, upstream_rest::UpstreamRest,
};

/// Asks one GOPROXY server over http or https.
#[derive(Debug)]
pub struct Upstream {
    server: Arc<Server>,
}

impl Upstream {
    /// A server at `base`, which the configuration names.
    pub fn new(base: BaseUrl, client: HttpClient) -> Self {
        Self {
            server: Arc::new(Server::new(base, client)),
        }
    }

    /// A server that a page or a mapping names.
    pub(crate) fn discovered(address: &Address, client: HttpClient) -> Result<Self, ListError> {
        Ok(Self {
            server: Arc::new(Server::discovered(address, client)?),
        })
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "upstream({})", self.server.name())
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Fetcher for Upstream {
    async fn fetch(&self, question: &Question) -> Result<Fetched, FetchError> {
        or_of_list(self, question, self.ask(question).await).await
    }
}

impl Upstream {
    async fn ask(&self, question: &Question) -> Result<Fetched, FetchError> {
        let asked = self.server.ask(question, None).await?;
        let (mut fetched, validator) =
            asked.ok_or_else(|| FetchError::invalid(self.server.name(), "a part was not asked for"))?;
        if matches!(question.resource, Resource::Zip(_)) {
            let rest = UpstreamRest::new(Arc::clone(&self.server), question.clone(), validator);
            fetched.rest = Some(Box::new(rest));
        }
        Ok(fetched)
    }
}
