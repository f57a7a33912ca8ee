//! Reading what is there.

use super::{
    client::{Client, Failed},
    fault::Fault,
    keys::{Found, Keys, after},
    number::{Blob, Number},
    wire::{Header, KeyValue, RangeRequest, RangeResponse},
};
use crate::{Entry, Listing, Registration, RegistryError, Revision, Scope, ServiceName};

/// How many nodes are asked for at once. As many of the largest are not too large for one answer.
const PAGE: i64 = 64;
/// How many names are asked for at once.
const PAGE_OF_KEYS: i64 = 1_000;
/// The most keys that one reading looks at.
const MOST_KEYS: usize = 100_000;
/// The most bytes of values that one reading keeps.
const MOST_BYTES: usize = 64 << 20;
/// How often a reading begins again whose state is forgotten before it ends.
const TRIES: usize = 3;

/// The nodes of a service, all of one state, and what etcd said of itself.
pub(super) async fn get(
    client: &Client,
    keys: &Keys,
    service: &ServiceName,
) -> Result<(Listing, Header), RegistryError> {
    let range = keys.range(&Scope::Service(service.clone()));
    let (kvs, header) = read(client, &range).await?;
    let found = kvs.iter().filter_map(|kv| match keys.read(kv) {
        Found::Node(registration) => Some(Entry::new(*registration)),
        Found::Unreadable(..) | Found::Stranger => None,
    });
    let listing = Listing {
        entries: found.collect(),
        revision: Revision(header.revision.revision()),
    };
    Ok((listing, header))
}

/// The services that have a key, sorted.
pub(super) async fn list(client: &Client, keys: &Keys) -> Result<Vec<ServiceName>, RegistryError> {
    let (mut from, end) = keys.range(&Scope::All);
    let mut names = Vec::new();
    let mut looked_at = 0;
    loop {
        let request = RangeRequest {
            range_end: Some(end.clone()),
            limit: Number(PAGE_OF_KEYS),
            keys_only: true,
            ..RangeRequest::one(&from)
        };
        let page: RangeResponse = client.ask("v3/kv/range", &request).await?;
        let found = page.kvs.iter().filter_map(|kv| keys.parse(&kv.key));
        names.extend(found.map(|(service, _)| service));
        names.sort_unstable();
        names.dedup();
        looked_at += page.kvs.len();
        let Some(last) = page.kvs.last().filter(|_| page.more) else {
            return Ok(names);
        };
        check(looked_at)?;
        // The other nodes of the last service say nothing new.
        from = match keys.parse(&last.key) {
            Some((service, _)) => keys.range(&Scope::Service(service)).1,
            None => after(&last.key),
        };
    }
}

/// All keys of a range as they were at one state.
async fn read(client: &Client, range: &(Blob, Blob)) -> Result<(Vec<KeyValue>, Header), RegistryError> {
    let mut last = None;
    for _ in 0..TRIES {
        match pages(client, range).await? {
            Ok(read) => return Ok(read),
            Err(failed) => last = Some(failed),
        }
    }
    Err(last.map_or_else(|| RegistryError::away(&"etcd", "nothing was read"), Into::into))
}

/// All keys of a range, page by page. The inner error is of a state that is forgotten, or not known, by now.
async fn pages(
    client: &Client,
    (first, end): &(Blob, Blob),
) -> Result<Result<(Vec<KeyValue>, Header), Failed>, RegistryError> {
    let mut request = RangeRequest {
        range_end: Some(end.clone()),
        limit: Number(PAGE),
        ..RangeRequest::one(first)
    };
    let mut read: Vec<KeyValue> = Vec::new();
    let (mut header, mut bytes) = (None, 0);
    loop {
        let page: RangeResponse = match client.ask("v3/kv/range", &request).await {
            Ok(page) => page,
            // Somebody has put something there that is no registration, and is large.
            Err(Failed {
                fault: Fault::Large(_),
                ..
            }) if request.limit > Number(1) => {
                request.limit = Number(request.limit.0 / 2);
                continue;
            }
            Err(failed) if matches!(failed.fault, Fault::Compacted(_) | Fault::Future(_)) => {
                return Ok(Err(failed));
            }
            Err(failed) => return Err(failed.into()),
        };
        let header = *header.get_or_insert(page.header);
        for mut kv in page.kvs {
            // One byte too many is enough to see that it is no registration.
            kv.value.0.truncate(Registration::MAX_BYTES + 1);
            kv.value.0.shrink_to_fit();
            bytes += kv.value.0.len();
            read.push(kv);
        }
        check(read.len())?;
        if bytes > MOST_BYTES {
            let reason = format!("etcd holds more than {MOST_BYTES} bytes of one service, which is the most");
            return Err(RegistryError::invalid(reason));
        }
        let Some(last) = read.last().filter(|_| page.more) else {
            return Ok(Ok((read, header)));
        };
        request.key = after(&last.key);
        request.revision = header.revision;
    }
}

fn check(keys: usize) -> Result<(), RegistryError> {
    if keys <= MOST_KEYS {
        return Ok(());
    }
    let reason = format!("etcd holds more than {MOST_KEYS} keys of one registry, which is the most");
    Err(RegistryError::invalid(reason))
}
