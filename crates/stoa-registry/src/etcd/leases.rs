//! The leases that registrations go with.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;

use super::{
    client::{Client, Failed},
    number::Number,
    wire::{LeaseGrantRequest, LeaseRequest, LeaseResponse},
};
use crate::{InstanceId, NodeId, Registration, RegistryError, ServiceName};

/// The most registrations of one adapter. A process announces a few.
const MOST: usize = 10_000;

/// The leases that registrations of this process go with, one for each.
#[derive(Debug, Default)]
pub(super) struct Leases {
    held: Mutex<HashMap<(ServiceName, NodeId), Lease>>,
}

/// A lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) id: Number,
    /// The seconds that were asked for. etcd may have granted more.
    asked: i64,
    /// The life of the node that it was granted for.
    instance: InstanceId,
}

impl Leases {
    /// The lease of a registration, kept if there is one of that time, and else a new one. The second value is the one
    /// that the registration may still go with, which is to be ended when it does not any more.
    pub(super) async fn keep(
        &self,
        client: &Client,
        registration: &Registration,
        ttl: Duration,
    ) -> Result<(Lease, Option<Lease>), RegistryError> {
        let asked = seconds(ttl);
        let held = self.held(registration);
        match held {
            Some(lease) if lease.asked == asked && lease.instance == registration.instance => {
                let kept: LeaseResponse = client
                    .ask_stream("v3/lease/keepalive", &LeaseRequest { id: lease.id })
                    .await?;
                if kept.ttl.0 > 0 {
                    return Ok((lease, None));
                }
                // It has ended, and what went with it has gone.
                self.forget(registration, lease);
                Ok((self.grant(client, registration, asked).await?, None))
            }
            held => Ok((self.grant(client, registration, asked).await?, held)),
        }
    }

    /// A new lease in the place of one that etcd does not know.
    pub(super) async fn renew(
        &self,
        client: &Client,
        registration: &Registration,
        lost: Lease,
    ) -> Result<Lease, RegistryError> {
        self.forget(registration, lost);
        self.grant(client, registration, lost.asked).await
    }

    async fn grant(
        &self,
        client: &Client,
        registration: &Registration,
        asked: i64,
    ) -> Result<Lease, RegistryError> {
        let has_room = {
            let held = self.held.lock();
            held.len() < MOST || held.contains_key(&key(registration))
        };
        if !has_room {
            let reason = format!("this process announces {MOST} nodes, which is the most");
            return Err(RegistryError::invalid(reason));
        }
        let request = LeaseGrantRequest { ttl: Number(asked) };
        let granted: LeaseResponse = client.ask("v3/lease/grant", &request).await?;
        let lease = Lease {
            id: granted.id,
            asked,
            instance: registration.instance,
        };
        self.held.lock().insert(key(registration), lease);
        Ok(lease)
    }

    /// The lease of this life of a node, which is held no more.
    pub(super) fn take(&self, registration: &Registration) -> Option<Lease> {
        let lease = self.held(registration)?;
        if lease.instance != registration.instance {
            return None;
        }
        self.forget(registration, lease);
        Some(lease)
    }

    fn held(&self, registration: &Registration) -> Option<Lease> {
        self.held.lock().get(&key(registration)).copied()
    }

    /// Holds a lease no more, unless there is another by now.
    pub(super) fn forget(&self, registration: &Registration, lease: Lease) {
        let mut held = self.held.lock();
        if held.get(&key(registration)) == Some(&lease) {
            held.remove(&key(registration));
        }
    }
}

/// Ends a lease at once. One that cannot be ended ends by itself when its time is over.
pub(super) async fn end(client: &Client, lease: Lease) {
    let ended: Result<LeaseResponse, Failed> = client
        .ask("v3/lease/revoke", &LeaseRequest { id: lease.id })
        .await;
    if let Err(failed) = ended {
        tracing::debug!(reason = %failed.fault, "a lease in etcd is left to end by itself");
    }
}

/// Whole seconds, one or more, which is what etcd grants.
fn seconds(ttl: Duration) -> i64 {
    let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
    i64::try_from(seconds.max(1)).unwrap_or(i64::MAX)
}

fn key(registration: &Registration) -> (ServiceName, NodeId) {
    (registration.service.clone(), registration.node.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etcd_counts_whole_seconds() {
        for (ttl, want) in [(0, 1), (999, 1), (1_000, 1), (1_001, 2), (15_000, 15)] {
            assert_eq!(seconds(Duration::from_millis(ttl)), want);
        }
    }
}
