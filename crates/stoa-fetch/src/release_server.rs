//! A server of release archives.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::{
    BaseUrl, Context, FetchError, Fetched, HttpClient, Phase, Rest, SourceName,
    outbound::{BodyEnd, Get, Part, RedirectHosts, SaidBy, Validator},
};

/// How long a small file may take, redirects and retries included.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads what is below one URL, as `https://go.dev/dl/` has it: an index, and files that never change.
///
/// It may be redirected to hosts that the configuration names, and to no other: what is read is checked against the index, and
/// the index against nothing.
#[derive(Debug)]
pub struct ReleaseServer {
    base: BaseUrl,
    client: HttpClient,
    hosts: RedirectHosts,
}

impl ReleaseServer {
    /// The server at `base`, which may lead to `hosts`.
    pub fn new(base: BaseUrl, client: HttpClient, hosts: RedirectHosts) -> Self {
        Self { base, client, hosts }
    }

    /// The URL without credentials.
    pub fn name(&self) -> &SourceName {
        self.base.name()
    }

    /// How long a transfer may take, all in all.
    pub fn total(&self) -> Duration {
        self.client.total()
    }

    /// What it answers to this query at its own URL, of `limit` bytes at most.
    ///
    /// # Errors
    /// When it does not answer, or not with 200.
    pub async fn index(&self, query: &str, limit: u64, context: &Context) -> Result<Bytes, FetchError> {
        let mut url = self.base.join("");
        url.set_query(Some(query));
        self.small(url, limit, context).await
    }

    /// A small file, of `limit` bytes at most.
    ///
    /// # Errors
    /// [`FetchError::NotFound`] only if the server says that there is none.
    pub async fn small_file(&self, name: &str, limit: u64, context: &Context) -> Result<Bytes, FetchError> {
        self.small(self.base.join(name), limit, context).await
    }

    /// A file, of `limit` bytes at most, as it arrives; it can be asked for its rest.
    ///
    /// # Errors
    /// [`FetchError::NotFound`] only if the server says that there is none.
    pub async fn file(
        self: &Arc<Self>,
        name: &str,
        limit: u64,
        context: &Context,
    ) -> Result<Fetched, FetchError> {
        let mut rest = ReleaseRest {
            server: Arc::clone(self),
            name: name.to_owned(),
            limit,
            context: context.clone(),
            validator: None,
        };
        let mut fetched = rest.whole(context).await?;
        fetched.rest = Some(Box::new(rest));
        Ok(fetched)
    }

    async fn small(&self, url: Url, limit: u64, context: &Context) -> Result<Bytes, FetchError> {
        let read = async {
            match self.ask(url, BodyEnd::Framed, limit, None, context).await? {
                Some((fetched, _)) => fetched.bytes().await,
                None => Err(FetchError::invalid(self.name(), "a part was not asked for")),
            }
        };
        timeout(PATIENCE, read).await.unwrap_or_else(|_elapsed| {
            Err(FetchError::Timeout {
                source_name: self.name().clone(),
                phase: Phase::Total,
                after: PATIENCE,
            })
        })
    }

    async fn ask(
        &self,
        url: Url,
        end: BodyEnd,
        limit: u64,
        part: Option<Part<'_>>,
        context: &Context,
    ) -> Result<Option<(Fetched, Option<Validator>)>, FetchError> {
        let get = Get {
            context,
            url,
            authorization: self.base.credentials(),
            said_by: SaidBy::Releases { hosts: &self.hosts },
            source_name: self.name(),
            limit,
            end,
            part,
        };
        self.client.get(get).await
    }
}

impl fmt::Display for ReleaseServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "releases({})", self.base)
    }
}

/// Asks for a part of a file, as long as the server says that it is the same.
#[derive(Debug)]
struct ReleaseRest {
    server: Arc<ReleaseServer>,
    name: String,
    limit: u64,
    context: Context,
    /// What the latest answer is known by. Without it no part is asked for: it could be one of another content.
    validator: Option<Validator>,
}

impl ReleaseRest {
    async fn whole(&mut self, context: &Context) -> Result<Fetched, FetchError> {
        let url = self.server.base.join(&self.name);
        // Its hash tells a part from the whole.
        let asked = self.server.ask(url, BodyEnd::Any, self.limit, None, context);
        let (fetched, validator) = asked.await?.ok_or_else(|| {
            FetchError::invalid(self.server.name(), "a part was sent, and all of it was asked for")
        })?;
        self.validator = validator;
        Ok(fetched)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Rest for ReleaseRest {
    async fn ask(&mut self, from: u64, deadline: Instant) -> Result<Fetched, FetchError> {
        let context = Context {
            deadline: Some(deadline),
            again: true,
            ..self.context.clone()
        };
        if from > 0
            && let Some(validator) = self.validator.clone()
        {
            let part = Part {
                from,
                validator: &validator,
            };
            let url = self.server.base.join(&self.name);
            let asked = self
                .server
                .ask(url, BodyEnd::Any, self.limit, Some(part), &context);
            match asked.await? {
                Some((fetched, validator)) if fetched.start == 0 => {
                    self.validator = validator;
                    return Ok(fetched);
                }
                Some((fetched, _same)) => return Ok(fetched),
                // It does not answer such questions as it should, and is asked none any more.
                None => self.validator = None,
            }
        }
        self.whole(&context).await
    }

    fn has_next(&self) -> bool {
        false
    }

    fn go_to_next(&mut self) -> bool {
        false
    }

    fn is_spent(&self) -> bool {
        false
    }
}
