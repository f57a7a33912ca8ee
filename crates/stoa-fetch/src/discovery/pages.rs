//! Pages of the network.

use std::{error::Error, fmt, sync::Arc};

use async_trait::async_trait;

use super::go_import::has_whole_head;
use crate::{
    FetchError, HttpClient, SourceName,
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
///
/// # Deviation
///
/// A page that ends with its connection, and not by its own account, counts only if its head has ended: else nobody can tell
/// what was cut off.
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
        let source_name = SourceName::new(request.named.host_str().unwrap_or_default());
        let (page, is_framed) = self.client.page(request, PAGE_LIMIT).await?;
        // What the end of the connection cuts off looks whole, and the next tag may be the one that counts.
        if is_framed || page.truncated || page.status != 200 || has_whole_head(&page.body) {
            return Ok(page);
        }
        let reason = "the page has no length, and the connection ended before the end of its head";
        Err(FetchError::Broken {
            source_name,
            cause: Arc::from(Box::<dyn Error + Send + Sync>::from(reason)),
        })
    }
}
