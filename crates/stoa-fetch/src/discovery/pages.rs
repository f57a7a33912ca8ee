//! Pages of the network.

use std::fmt;

use async_trait::async_trait;

use crate::{
    FetchError, HttpClient,
    outbound::{Page, PageRequest},
};

/// The most of a page that is read, in bytes.
pub const PAGE_LIMIT: usize = 1 << 20;

/// Asks for pages over http and https.
#[async_trait]
pub trait Pages: fmt::Debug + Send + Sync {
    /// The answer to a GET, whatever its status, after at most 10 redirects, none of them from https to http or past the
    /// guards, which the URL itself has to pass, too. A failure is that there was no answer, or that what was
    /// presented did not let us in (401, 403), and [`FetchError::Refused`] if something was not to be asked.
    async fn get(&self, request: PageRequest<'_>) -> Result<Page, FetchError>;
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
    async fn get(&self, request: PageRequest<'_>) -> Result<Page, FetchError> {
        self.client.page(request, PAGE_LIMIT).await
    }
}
