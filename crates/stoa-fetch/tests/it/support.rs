//! What the tests share.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use stoa_dispatch::{HttpOptions, HttpTransports, LaneSettings, Pool, RetrySettings};
use stoa_fetch::{Caller, Chain, Context, Deadlines, FetchError, Fetcher, HttpClient, Limits, Question};
use stoa_module::Resource;

pub(crate) const LIST: &str = "example.com/a/@v/list";
pub(crate) const INFO: &str = "example.com/a/@v/v1.0.0.info";
pub(crate) const MOD: &str = "example.com/a/@v/v1.0.0.mod";
pub(crate) const ZIP: &str = "example.com/a/@v/v1.0.0.zip";

/// A question of a client who waits and did not say who it is.
pub(crate) fn question(path: &str) -> Question {
    let resource = Resource::parse(path).unwrap().unwrap();
    Question::new(resource, Context::interactive(Caller::Anonymous))
}

/// A client that repeats nothing, so that each request is seen once.
pub(crate) fn client(deadlines: &Deadlines, limits: Limits) -> HttpClient {
    let mut settings = LaneSettings {
        retry: RetrySettings {
            max: 0,
            ..RetrySettings::default()
        },
        ..LaneSettings::default()
    };
    deadlines.apply(&mut settings);
    client_with(settings, deadlines, limits)
}

pub(crate) fn client_with(settings: LaneSettings, deadlines: &Deadlines, limits: Limits) -> HttpClient {
    let transports = HttpTransports::new(HttpOptions {
        connect_timeout: deadlines.connect,
        ..HttpOptions::default()
    });
    let pool = Pool::builder(Arc::new(transports)).settings(settings).start();
    HttpClient::new(pool, deadlines.total, limits)
}

/// The sources of a GOPROXY list, asked with the default deadlines and limits.
pub(crate) fn chain(list: &str) -> Chain {
    chain_with(list, &Deadlines::default(), Limits::default())
}

pub(crate) fn chain_with(list: &str, deadlines: &Deadlines, limits: Limits) -> Chain {
    Chain::new(&list.parse().unwrap(), &client(deadlines, limits), &no_direct())
}

/// Fetches to the last byte.
pub(crate) async fn fetch(fetcher: &dyn Fetcher, path: &str) -> Result<Bytes, FetchError> {
    fetcher.fetch(&question(path)).await?.bytes().await
}

/// Runs `work`, which must end by itself: a test that waits for ever says nothing.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), work)
        .await
        .expect("it ends by its own deadline")
}

/// What stands for repositories where a test has none.
#[derive(Debug)]
struct NoDirect;

impl std::fmt::Display for NoDirect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("direct")
    }
}

#[async_trait::async_trait]
impl Fetcher for NoDirect {
    async fn fetch(&self, _: &Question) -> Result<stoa_fetch::Fetched, FetchError> {
        let reason = "no repositories here".to_owned();
        Err(FetchError::Unsupported { reason })
    }
}

pub(crate) fn no_direct() -> Arc<dyn Fetcher> {
    Arc::new(NoDirect)
}
