//! Who is asked for pages.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

use super::address::UrlGuard;
use crate::{Caller, Context, FetchError, HttpClient, SourceName};

/// The most of a page that is read, in bytes.
pub const PAGE_LIMIT: usize = 1 << 20;

/// An answer of any status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it was found, after redirects.
    pub url: Url,
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, if there was one.
    pub content_type: Option<String>,
    /// The body, or its first [`PAGE_LIMIT`] bytes.
    pub body: Bytes,
    /// There was more of the body.
    pub truncated: bool,
}

/// Asks for pages over http and https.
#[async_trait]
pub trait Pages: fmt::Debug + Send + Sync {
    /// The answer to a GET of `url`, whatever its status, after at most 10 redirects, none of them from https to http
    /// or past the `guard`, which `url` itself has to pass, too. A failure is that there was no answer, or that what was
    /// presented did not let us in (401, 403), and [`FetchError::Refused`] if something was not to be asked.
    async fn get(&self, url: &Url, guard: &UrlGuard) -> Result<Page, FetchError>;
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
    async fn get(&self, url: &Url, guard: &UrlGuard) -> Result<Page, FetchError> {
        let name = SourceName::new(url.host_str().unwrap_or_default());
        let context = Context::interactive(Caller::Stoa);
        self.client
            .page(url.clone(), &name, PAGE_LIMIT, guard, &context)
            .await
    }
}
