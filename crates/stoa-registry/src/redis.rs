//! A registry in Redis or Valkey.

mod field;
mod link;
mod options;
mod scripts;
mod watch;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use redis::Value;

pub use self::options::RedisRegistryOptions;
use self::{
    field::{field, readable},
    link::Link,
    scripts::{Keys, MOST_BYTES, MOST_NODES, Scripts},
    watch::RedisWatch,
};
use crate::{
    Abilities, Announcing, Entry, Listing, Registration, Registry, RegistryError, Revision, Scope,
    ServiceName, Watch, Watching,
};

/// A registry in Redis 6.2 or later, or Valkey.
///
/// Nodes stand in one hash, the times at which they end in a sorted set, and what changes in a stream whose entries are numbered
/// by revision. Every change is one script, by the clock of Redis. Who reads, changes or watches takes out the nodes whose time
/// is over, and those who watch look when the next one ends.
///
/// Revisions begin at the time in microseconds, in which no two changes fit, so that those of a Redis that was emptied or replaced are not taken for earlier
/// ones: a watch is told that it is lost.
pub struct RedisRegistry {
    link: Arc<Link>,
    scripts: Arc<Scripts>,
}

impl RedisRegistry {
    /// The registry at this place. It connects when it is asked.
    ///
    /// # Errors
    ///
    /// If the URL names no Redis; what it says does not repeat the URL.
    pub fn new(options: RedisRegistryOptions) -> Result<Self, RegistryError> {
        let scripts = Arc::new(Scripts::new(Keys::new(&options.prefix)));
        Ok(Self {
            link: Arc::new(Link::new(options)?),
            scripts,
        })
    }

    /// The revision, and the names and values of all nodes by turns.
    async fn read(&self) -> Result<(Revision, Vec<Value>), RegistryError> {
        let Value::Array(mut parts) = self.link.call(&self.scripts.get()).await? else {
            return Err(self.unreadable("the nodes"));
        };
        match parts.as_slice() {
            [Value::Int(-1), Value::BulkString(of_what), Value::Int(_)] => {
                let most = match of_what.as_slice() {
                    b"nodes" => format!("{MOST_NODES} nodes"),
                    _ => format!("{MOST_BYTES} bytes of nodes"),
                };
                let reason = format!("{self} holds more than {most}, which is the most");
                Err(RegistryError::invalid(reason))
            }
            [Value::Int(revision), ..] => {
                let revision = Revision(u64::try_from(*revision).unwrap_or(0));
                parts.remove(0);
                Ok((revision, parts))
            }
            _ => Err(self.unreadable("the revision")),
        }
    }

    fn unreadable(&self, what: &str) -> RegistryError {
        RegistryError::away(self, format!("{what} of its answer cannot be read"))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Registry for RedisRegistry {
    async fn register(&self, registration: &Registration, ttl: Duration) -> Result<(), RegistryError> {
        let json = registration.to_json()?;
        let field = field(&registration.service, registration.node.id.as_str());
        let call = self
            .scripts
            .register(&field, &json, ttl, &registration.instance.to_string());
        let theirs = match self.link.call(&call).await? {
            Value::Int(_) => return Ok(()),
            Value::BulkString(theirs) => theirs,
            _ => return Err(self.unreadable("what came of an announcement")),
        };
        // Who stands in the way is judged here, by the rule that every registry has; what cannot be read stands in nobody's.
        if let Ok(theirs) = Registration::from_json(&theirs)
            && !theirs.yields_to(registration)
        {
            return Err(theirs.is_in_the_way_of(registration));
        }
        let call = self.scripts.take_over(&field, &json, ttl, &theirs);
        match self.link.call(&call).await? {
            Value::Int(1) => Ok(()),
            _ => Err(RegistryError::away(
                self,
                "another process announces the same node at this moment",
            )),
        }
    }

    async fn deregister(&self, registration: &Registration) -> Result<(), RegistryError> {
        let field = field(&registration.service, registration.node.id.as_str());
        let call = self
            .scripts
            .deregister(&field, &registration.instance.to_string());
        self.link.call(&call).await.map(drop)
    }

    async fn get(&self, service: &ServiceName) -> Result<Listing, RegistryError> {
        let (revision, parts) = self.read().await?;
        let wanted = format!("{service} ");
        let mut entries = Vec::new();
        for pair in parts.chunks_exact(2) {
            let [Value::BulkString(field), Value::BulkString(json)] = pair else {
                return Err(self.unreadable("a node"));
            };
            if field.starts_with(wanted.as_bytes())
                && let Some(registration) = readable(field, json)
            {
                entries.push(Entry::new(registration));
            }
        }
        entries.sort_by(|one, other| one.registration.node.id.cmp(&other.registration.node.id));
        Ok(Listing { entries, revision })
    }

    async fn list(&self) -> Result<Vec<ServiceName>, RegistryError> {
        let (_, parts) = self.read().await?;
        let nodes = parts.chunks_exact(2);
        let mut names: Vec<_> = nodes
            .filter_map(|pair| match pair {
                [Value::BulkString(field), Value::BulkString(json)] => readable(field, json),
                _ => None,
            })
            .map(|registration| registration.service)
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    async fn watch(&self, scope: &Scope, from: Revision) -> Result<Box<dyn Watch>, RegistryError> {
        let link = self.link.apart().await?;
        Ok(Box::new(RedisWatch::new(
            Arc::clone(&self.link),
            link,
            Arc::clone(&self.scripts),
            scope.clone(),
            from,
        )))
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            announcing: Announcing::Announced,
            watching: Watching::All,
        }
    }
}

impl fmt::Display for RedisRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.link.fmt(f)
    }
}

impl fmt::Debug for RedisRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisRegistry({})", self.link)
    }
}
