//! A watch of a registry in Redis.

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use redis::{Value, aio::MultiplexedConnection};
use tokio::time::{Instant, timeout};

use super::{link::Link, scripts::Scripts};
use crate::{Change, Entry, Event, NodeId, RegistryError, Revision, Scope, ServiceName, Watch};

/// A watch that has nothing to tell says so after this time.
const BOOKMARK_AFTER: Duration = Duration::from_secs(5);
/// How long one command waits in Redis: one that was given up is in the way of the next for so long.
const WAIT: Duration = Duration::from_secs(1);
/// How much longer the answer to a command that waits may take.
const LATE: Duration = Duration::from_secs(4);

/// Looks what has changed, and waits at the stream in between.
pub(super) struct RedisWatch {
    link: Arc<Link>,
    waiting: MultiplexedConnection,
    scripts: Arc<Scripts>,
    scope: Scope,
    at: u64,
    /// Changes that were read and not told yet.
    read: VecDeque<(u64, Vec<Event>)>,
    quiet_since: Instant,
    is_over: bool,
}

impl RedisWatch {
    pub(super) fn new(
        link: Arc<Link>,
        waiting: MultiplexedConnection,
        scripts: Arc<Scripts>,
        scope: Scope,
        from: Revision,
    ) -> Self {
        Self {
            link,
            waiting,
            scripts,
            scope,
            at: from.0,
            read: VecDeque::new(),
            quiet_since: Instant::now(),
            is_over: false,
        }
    }

    /// Reads what has changed: in how long the next node ends, or that the watch is lost.
    async fn look(&mut self) -> Result<Option<Duration>, RegistryError> {
        let bad = || RegistryError::away(&self.link, "what has changed cannot be read");
        let Value::Array(parts) = self.link.call(&self.scripts.look(self.at)).await? else {
            return Err(bad());
        };
        let [Value::Int(_), Value::Array(later), Value::Int(left)] = parts.as_slice() else {
            self.is_over = true;
            return Ok(None);
        };
        let mut read = Vec::new();
        for entry in later {
            read.push(batch(entry).ok_or_else(bad)?);
        }
        for (revision, events) in read {
            self.at = revision;
            let events: Vec<_> = events
                .into_iter()
                .filter(|event| self.scope.covers(event.service()))
                .collect();
            if !events.is_empty() {
                self.read.push_back((revision, events));
            }
        }
        let left = u64::try_from(*left).map_or(WAIT, Duration::from_millis);
        Ok(Some(left))
    }

    async fn wait(&mut self, most: Duration) -> Result<(), RegistryError> {
        let command = self.scripts.wait(self.at, most);
        let waited = timeout(most + LATE, command.query_async::<Value>(&mut self.waiting)).await;
        match waited {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.link.error(&error)),
            Err(_elapsed) => Err(RegistryError::away(
                &self.link,
                "a watch is not answered any more",
            )),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Watch for RedisWatch {
    async fn next(&mut self) -> Result<Change, RegistryError> {
        loop {
            if let Some((revision, events)) = self.read.pop_front() {
                self.quiet_since = Instant::now();
                let revision = Revision(revision);
                return Ok(Change::Batch { revision, events });
            }
            let left = if self.is_over { None } else { self.look().await? };
            let Some(left) = left else {
                let reason = format!("what has changed since {} is not known", self.at);
                return Ok(Change::Lost { reason });
            };
            if !self.read.is_empty() {
                continue;
            }
            if self.quiet_since.elapsed() >= BOOKMARK_AFTER {
                self.quiet_since = Instant::now();
                let revision = Revision(self.at);
                return Ok(Change::Bookmark { revision });
            }
            // A millisecond more, so that the node is over when it is looked for.
            self.wait(WAIT.min(left + Duration::from_millis(1))).await?;
        }
    }
}

/// What one entry of the stream tells; `None` if it is none. What it tells in words that are not known here, such as those of a later
/// version, is passed over: what is known of the other nodes must stay true.
fn batch(entry: &Value) -> Option<(u64, Vec<Event>)> {
    let Value::Array(parts) = entry else { return None };
    let [Value::BulkString(id), Value::Array(told)] = parts.as_slice() else {
        return None;
    };
    let revision = std::str::from_utf8(id).ok()?.split('-').next()?.parse().ok()?;
    if told.is_empty() {
        tracing::warn!(
            revision,
            "a change in Redis is too large to be one of nodes, and is passed over"
        );
    }
    let mut events = Vec::new();
    for pair in told.chunks_exact(2) {
        let [Value::BulkString(kind), Value::BulkString(value)] = pair else {
            return None;
        };
        match kind.as_slice() {
            b"put" => match crate::Registration::from_json(value) {
                Ok(registration) => events.push(Event::Put(Entry::new(registration))),
                Err(error) => {
                    tracing::warn!(revision, %error, "a change in Redis is none of a node, and is passed over");
                }
            },
            b"gone" => {
                // What was planted under another name was never told to be there.
                let Some((service, node)) = name(value) else {
                    continue;
                };
                events.push(Event::Gone { service, node });
            }
            kind => {
                let kind = String::from_utf8_lossy(&kind[..kind.len().min(64)]);
                tracing::warn!(revision, %kind, "a change in Redis is of no kind that is known here, and is passed over");
            }
        }
    }
    Some((revision, events))
}

fn name(field: &[u8]) -> Option<(ServiceName, NodeId)> {
    let (service, node) = std::str::from_utf8(field).ok()?.split_once(' ')?;
    Some((service.parse().ok()?, node.parse().ok()?))
}

impl fmt::Debug for RedisWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisWatch")
            .field("scope", &self.scope)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
