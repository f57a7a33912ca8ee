//! Small files of an HTTP server.

use std::{fmt, time::Duration};

use bytes::Bytes;
use tokio::time::timeout;
use url::Url;

use crate::{
    BaseUrl, Context, FetchError, HttpClient, Phase, SourceName,
    outbound::{BodyEnd, Get, SaidBy},
};

/// Reads small files below one URL, whole.
///
/// It is the caller who finds out whether a file is what it should be, and so also whether something is missing at its end.
#[derive(Clone, Debug)]
pub struct SmallFiles {
    base: BaseUrl,
    client: HttpClient,
    patience: Duration,
}

impl SmallFiles {
    /// The files below `base`. One may take as long as `patience`, its redirects and retries included.
    pub fn new(base: BaseUrl, client: HttpClient, patience: Duration) -> Self {
        Self {
            base,
            client,
            patience,
        }
    }

    /// The URL without credentials.
    pub fn name(&self) -> &SourceName {
        self.base.name()
    }

    /// The file at an escaped path, without a slash in front, of `limit` bytes at most.
    ///
    /// # Errors
    /// [`FetchError::NotFound`] only if the server says that there is none.
    pub async fn read(&self, path: &str, limit: u64, context: &Context) -> Result<Bytes, FetchError> {
        self.get(self.base.join(path), limit, context).await
    }

    /// What is said to a question: an escaped path, and an escaped query string without its mark.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn ask(
        &self,
        path: &str,
        query: &str,
        limit: u64,
        context: &Context,
    ) -> Result<Bytes, FetchError> {
        let mut url = self.base.join(path);
        url.set_query(Some(query));
        self.get(url, limit, context).await
    }

    async fn get(&self, url: Url, limit: u64, context: &Context) -> Result<Bytes, FetchError> {
        let read = async {
            let get = Get {
                context,
                url,
                authorization: self.base.credentials(),
                said_by: SaidBy::Configuration { module: None },
                source_name: self.name(),
                limit,
                end: BodyEnd::Any,
                part: None,
            };
            match self.client.get(get).await? {
                Some((fetched, _)) => fetched.bytes().await,
                None => Err(FetchError::invalid(self.name(), "a part was not asked for")),
            }
        };
        timeout(self.patience, read).await.unwrap_or_else(|_elapsed| {
            Err(FetchError::Timeout {
                source_name: self.name().clone(),
                phase: Phase::Total,
                after: self.patience,
            })
        })
    }
}

impl fmt::Display for SmallFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "files({})", self.base)
    }
}
