//! Whether a watch that says nothing has missed something.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    client::{Client, Failed},
    number::{Blob, Number},
    wire::{Operation, RangeRequest, RangeResponse, TxnRequest, TxnResponse},
};

/// How long a watch may be behind what is asked for beside it.
const BEHIND: Duration = Duration::from_secs(3);

/// Asks beside a quiet watch whether there is something that it has not told.
///
/// A stream says nothing when its connection is dead, and nothing when nothing happens. So the present state is compared
/// with the one that the watch has told: the latest change of a key that is there must have been told, and the number
/// of keys must be the same. A change that leaves both as they were is a key that came and went. The watch tells it if
/// it is alive, and nobody misses it if it is not.
///
/// That comparison never moves the revision of the watch: the answer may come from a member that is ahead of the one
/// that the watch listens to, so that something before it may still be on its way.
#[derive(Debug)]
pub(super) struct Pulse {
    range: (Blob, Blob),
    /// How many keys there are at the revision that the watch has told, if that was asked since it told something.
    count: Option<i64>,
    /// Since when something is known that the watch has not told.
    behind_since: Option<Instant>,
}

/// What comes of asking.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// The watch has told everything.
    Alive,
    /// There is something that the watch may be about to tell.
    Behind,
    /// The watch has not told something for too long.
    Stuck,
}

impl Pulse {
    pub(super) fn new(range: (Blob, Blob)) -> Self {
        Self {
            range,
            count: None,
            behind_since: None,
        }
    }

    /// The watch has told something.
    pub(super) fn told(&mut self) {
        self.count = None;
        self.behind_since = None;
    }

    /// Asks, when the watch has told everything up to `at`.
    pub(super) async fn ask(&mut self, client: &Client, at: u64) -> Result<Beat, Failed> {
        let mut success = vec![Operation::Range(self.latest())];
        if self.count.is_none() {
            success.push(Operation::Range(self.count_at(at)));
        }
        let question = TxnRequest {
            success,
            ..TxnRequest::default()
        };
        let answer: TxnResponse = client.ask("v3/kv/txn", &question).await?;
        let mut read = answer.responses.into_iter().filter_map(|one| one.response_range);
        let now = read.next().unwrap_or_default();
        let count = read.next().map(|then| then.count.0).or(self.count);
        self.count = count;
        Ok(self.beat(&now, count, at))
    }

    fn beat(&mut self, now: &RangeResponse, count: Option<i64>, at: u64) -> Beat {
        let latest = now.kvs.first().map_or(0, |kv| kv.mod_revision.revision());
        if latest <= at && count == Some(now.count.0) {
            self.behind_since = None;
            return Beat::Alive;
        }
        let since = *self.behind_since.get_or_insert_with(Instant::now);
        if since.elapsed() < BEHIND {
            Beat::Behind
        } else {
            Beat::Stuck
        }
    }

    /// The key that was changed last, and how many there are.
    fn latest(&self) -> RangeRequest {
        RangeRequest {
            range_end: Some(self.range.1.clone()),
            limit: Number(1),
            keys_only: true,
            sort_order: Some("DESCEND"),
            sort_target: Some("MOD"),
            ..RangeRequest::one(&self.range.0)
        }
    }

    fn count_at(&self, at: u64) -> RangeRequest {
        RangeRequest {
            range_end: Some(self.range.1.clone()),
            count_only: true,
            revision: Number::from_revision(at),
            ..RangeRequest::one(&self.range.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etcd::wire::KeyValue;

    fn now(latest: i64, count: i64) -> RangeResponse {
        RangeResponse {
            kvs: vec![KeyValue {
                mod_revision: Number(latest),
                ..KeyValue::default()
            }],
            count: Number(count),
            ..RangeResponse::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_misses_something_has_a_while_to_tell_it() {
        for missed in [now(9, 3), now(7, 2)] {
            let mut pulse = Pulse::new(("a".into(), "b".into()));
            assert_eq!(pulse.beat(&now(7, 3), Some(3), 7), Beat::Alive);
            assert_eq!(pulse.beat(&missed, Some(3), 7), Beat::Behind);
            tokio::time::advance(BEHIND).await;
            assert_eq!(pulse.beat(&missed, Some(3), 7), Beat::Stuck);
            pulse.told();
            assert_eq!(pulse.beat(&missed, Some(3), 7), Beat::Behind);
        }
    }
}
