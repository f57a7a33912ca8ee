//! A Redis of a test.

use std::{
    ops::Deref,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use redis::{Cmd, FromRedisValue};
use stoa_jobs::{RedisOptions, RedisStore, Rules};
use stoa_testing::redis::Redis;

/// How long a test waits for something that comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A Redis, and how it is spoken with.
pub(crate) struct Server {
    scheme: &'static str,
    redis: Redis,
}

impl Deref for Server {
    type Target = Redis;

    fn deref(&self) -> &Redis {
        &self.redis
    }
}

impl Server {
    /// A Redis that loses nothing that it has confirmed.
    pub(crate) fn start() -> Self {
        Redis::start().into()
    }

    pub(crate) fn with(options: &[&str]) -> Self {
        Redis::with(options).into()
    }

    /// A Redis that speaks TLS only.
    pub(crate) fn with_tls(certificate: &str, key: &str) -> Self {
        Self {
            scheme: "rediss",
            redis: Redis::with_tls(certificate, key),
        }
    }

    /// A Sentinel that watches the master `main` on a port.
    pub(crate) fn sentinel(master: u16) -> Self {
        Redis::sentinel(master).into()
    }

    pub(crate) fn address(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port())
    }

    pub(crate) fn options(&self) -> RedisOptions {
        RedisOptions::new(self.address().parse().expect("an address"))
    }

    pub(crate) async fn open(&self, rules: Rules, prefix: &str) -> RedisStore {
        let options = RedisOptions {
            rules,
            prefix: prefix.into(),
            ..self.options()
        };
        RedisStore::open(options).await.expect("opens")
    }

    /// Asks it something beside the store.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> T {
        self.try_ask(command).await.expect("answers")
    }

    pub(crate) async fn try_ask<T: FromRedisValue>(&self, command: &Cmd) -> redis::RedisResult<T> {
        let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(30)));
        let client = redis::Client::open(self.address())?;
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        command.query_async(&mut connection).await
    }
}

impl From<Redis> for Server {
    fn from(redis: Redis) -> Self {
        Self {
            scheme: "redis",
            redis,
        }
    }
}

/// A prefix that no other test has.
pub(crate) fn prefix() -> String {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    format!("test-{}", LAST.fetch_add(1, Ordering::Relaxed))
}

/// Asks again and again until the answer is yes.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = tokio::time::Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(tokio::time::Instant::now() < end, "{what}");
        // These servers talk to one another and tell nobody when they have.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
