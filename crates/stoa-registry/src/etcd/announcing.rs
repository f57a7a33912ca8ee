//! Announcing nodes, and taking them out.

use std::time::Duration;

use super::{
    client::{Client, Failed},
    fault::Fault,
    keys::{Found, Keys},
    leases::{self, Lease, Leases},
    number::{Blob, Number},
    wire::{Compare, KeyValue, Operation, RangeRequest, TxnRequest, TxnResponse},
};
use crate::{Registration, RegistryError};

/// How often a key is looked at again that somebody else changes between the look and the change.
const TRIES: usize = 8;

/// Announces a node, or keeps it. It asks etcd twice if nothing is to be done, and writes nothing then.
pub(super) async fn register(
    client: &Client,
    keys: &Keys,
    held: &Leases,
    registration: &Registration,
    ttl: Duration,
) -> Result<(), RegistryError> {
    let json = registration.to_json()?;
    let key = keys.of(&registration.service, &registration.node.id);
    let (mut lease, old) = held.keep(client, registration, ttl).await?;
    for _ in 0..TRIES {
        match put(client, keys, &key, registration, &json, lease).await {
            Ok(Put::Done) => {
                if let Some(old) = old {
                    // The key goes with the new one by now.
                    leases::end(client, old).await;
                }
                return Ok(());
            }
            Ok(Put::Again) => {}
            Ok(Put::NoLease) => lease = held.renew(client, registration, lease).await?,
            Err(error @ RegistryError::Taken { .. }) => {
                held.forget(registration, lease);
                leases::end(client, lease).await;
                return Err(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(RegistryError::away(
        &"etcd",
        format_args!(
            "the key of {} was changed by others {TRIES} times while it was looked at",
            registration.node.id
        ),
    ))
}

enum Put {
    Done,
    /// Somebody else changed the key meanwhile.
    Again,
    /// etcd does not know the lease.
    NoLease,
}

async fn put(
    client: &Client,
    keys: &Keys,
    key: &Blob,
    registration: &Registration,
    json: &str,
    lease: Lease,
) -> Result<Put, RegistryError> {
    let looked = TxnRequest {
        compare: vec![Compare::value(key, json), Compare::lease(key, lease.id)],
        success: Vec::new(),
        failure: vec![Operation::Range(RangeRequest::one(key))],
    };
    let looked: TxnResponse = client.ask("v3/kv/txn", &looked).await?;
    if looked.succeeded {
        return Ok(Put::Done);
    }
    let present = first(looked);
    if let Some(Found::Node(present)) = present.as_ref().map(|kv| keys.read(kv))
        && !present.yields_to(registration)
    {
        return Err(present.is_in_the_way_of(registration));
    }
    let seen = present.map_or(Number(0), |kv| kv.mod_revision);
    let change = TxnRequest {
        compare: vec![Compare::mod_revision(key, seen)],
        success: vec![Operation::Put {
            key: key.clone(),
            value: json.into(),
            lease: lease.id,
        }],
        failure: Vec::new(),
    };
    let changed: Result<TxnResponse, Failed> = client.ask("v3/kv/txn", &change).await;
    match changed {
        Ok(changed) if changed.succeeded => Ok(Put::Done),
        Ok(_) => Ok(Put::Again),
        Err(failed) if matches!(failed.fault, Fault::Missing(_)) => Ok(Put::NoLease),
        Err(failed) => Err(failed.into()),
    }
}

/// Takes a node out, if it is this life of it.
pub(super) async fn deregister(
    client: &Client,
    keys: &Keys,
    held: &Leases,
    registration: &Registration,
) -> Result<(), RegistryError> {
    let key = keys.of(&registration.service, &registration.node.id);
    let mut is_out = false;
    for _ in 0..TRIES {
        is_out = take_out(client, keys, &key, registration).await?;
        if is_out {
            break;
        }
    }
    if !is_out {
        return Err(RegistryError::away(
            &"etcd",
            format_args!(
                "the key of {} was changed by others {TRIES} times while it was looked at",
                registration.node.id
            ),
        ));
    }
    if let Some(lease) = held.take(registration) {
        leases::end(client, lease).await;
    }
    Ok(())
}

/// Whether the node is out, or was not there; `false` if somebody else changed the key meanwhile.
async fn take_out(
    client: &Client,
    keys: &Keys,
    key: &Blob,
    registration: &Registration,
) -> Result<bool, RegistryError> {
    let looked = TxnRequest {
        success: vec![Operation::Range(RangeRequest::one(key))],
        ..TxnRequest::default()
    };
    let looked: TxnResponse = client.ask("v3/kv/txn", &looked).await?;
    let Some(present) = first(looked) else {
        return Ok(true);
    };
    match keys.read(&present) {
        Found::Node(node) if node.instance == registration.instance => {}
        _ => return Ok(true),
    }
    let delete = TxnRequest {
        compare: vec![Compare::mod_revision(key, present.mod_revision)],
        success: vec![Operation::Delete { key: key.clone() }],
        failure: Vec::new(),
    };
    let deleted: TxnResponse = client.ask("v3/kv/txn", &delete).await?;
    Ok(deleted.succeeded)
}

/// The key that a transaction read.
fn first(read: TxnResponse) -> Option<KeyValue> {
    read.into_read()?.kvs.into_iter().next()
}
