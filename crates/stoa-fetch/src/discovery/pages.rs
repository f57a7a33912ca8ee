//! Pages of the network.

use std::fmt;

use async_trait::async_trait;
use url::Url;

use crate::{
    Context, FetchError, HttpClient, SourceName,
    outbound::{Page, UrlGuard},
};

/// The most of a page that is read, in bytes.
pub const PAGE_LIMIT: usize = 1 << 20;

/// Asks for pages over http and https.
#[async_trait]
pub trait Pages: fmt::Debug + Send + Sync {
    /// The answer to a GET of `url`, whatever its status, after at most 10 redirects, none of them from https to http
    /// or past the `guard`, which `url` itself has to pass, too. A failure is that there was no answer, or that what was
    /// presented did not let us in (401, 403), and [`FetchError::Refused`] if something was not to be asked.
    async fn get(&self, url: &Url, guard: &UrlGuard, context: &Context) -> Result<Page, FetchError>;
}

/// [`Pages`] of the network.
#[derive(Clone, Debug)]
pub struct HttpPages {
    client: HttpClient,
}

impl HttpPages {
    /// Asks through this client.
    pub fn new(client: HttpClient) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Pages for HttpPages {
    async fn get(&self, url: &Url, guard: &UrlGuard, context: &Context) -> Result<Page, FetchError> {
        let name = SourceName::new(url.host_str().unwrap_or_default());
        self.client
            .page(url.clone(), &name, PAGE_LIMIT, guard, context)
            .await
    }
}
