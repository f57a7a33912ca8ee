//! Watches.

use std::{pin::pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    batches::batches,
    client::{Client, Failed, Opened},
    fault::Fault,
    keys::Keys,
    number::{Blob, Number},
    pulse::{Beat, Pulse},
    wire::{Header, RangeRequest, RangeResponse, WatchCreateRequest, WatchRequest, WatchResponse},
};
use crate::{Change, RegistryError, Revision, Scope, Watch};

/// A watch that has nothing to tell says so after this time.
const QUIET: Duration = Duration::from_secs(4);
/// One that is behind is looked at again after this time.
const AGAIN: Duration = Duration::from_secs(1);
/// How many changes wait for whoever watches. What comes then waits in etcd.
const WAITING: usize = 64;

/// What a watch tells: a task reads the stream, so that a wait for it can be dropped anywhere.
#[derive(Debug)]
pub(super) struct EtcdWatch {
    told: mpsc::Receiver<Result<Change, RegistryError>>,
    /// The task; it ends with the watch.
    _task: JoinSet<()>,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Watch for EtcdWatch {
    async fn next(&mut self) -> Result<Change, RegistryError> {
        let told = self.told.recv().await;
        told.unwrap_or_else(|| Err(RegistryError::away(&"etcd", "the watch is over")))
    }
}

/// Begins to tell what changes after `from`. `cluster` is the one that told `from`, zero if that is not known.
pub(super) async fn watch(
    client: &Arc<Client>,
    keys: &Keys,
    scope: &Scope,
    from: Revision,
    cluster: u64,
) -> Result<EtcdWatch, RegistryError> {
    let range = keys.range(scope);
    let request = WatchRequest {
        create_request: WatchCreateRequest {
            key: range.0.clone(),
            range_end: range.1.clone(),
            start_revision: Number::from_revision(from.0.saturating_add(1)),
            progress_notify: true,
        },
    };
    let (sender, told) = mpsc::channel(WAITING);
    let mut task = JoinSet::new();
    let opened = client.watch(&request).await?;
    if let Some(reason) = strange(
        client,
        (&opened.member, opened.first.header),
        from,
        cluster,
        &range.0,
    )
    .await?
    {
        let lost = Change::Lost { reason };
        sender.try_send(Ok(lost)).expect("the channel is new");
    } else {
        let teller = Teller {
            client: Arc::clone(client),
            keys: keys.clone(),
            pulse: Pulse::new(range),
            at: from.0,
            quiet_at: Instant::now() + QUIET,
            sender,
        };
        task.spawn(teller.run(opened));
    }
    Ok(EtcdWatch { told, _task: task })
}

/// Why what answers is not what told `from`, if it is not.
async fn strange(
    client: &Client,
    (member, header): (&str, Header),
    from: Revision,
    cluster: u64,
    key: &Blob,
) -> Result<Option<String>, Failed> {
    if cluster != 0 && header.cluster_id != cluster {
        return Ok(Some(format!(
            "{member} is of another etcd than the one that was read"
        )));
    }
    if header.revision.revision() >= from.0 {
        return Ok(None);
    }
    // That member may only be behind the others. This question is answered by all of them.
    let request = RangeRequest {
        count_only: true,
        ..RangeRequest::one(key)
    };
    let now: RangeResponse = client.ask("v3/kv/range", &request).await?;
    let revision = now.header.revision.revision();
    Ok((revision < from.0).then(|| {
        format!(
            "etcd at {member} has not reached revision {from}: it is at {revision}, so it was wiped or replaced"
        )
    }))
}

/// Reads the stream of a watch.
struct Teller {
    client: Arc<Client>,
    keys: Keys,
    pulse: Pulse,
    /// Everything up to this revision is told.
    at: u64,
    quiet_at: Instant,
    sender: mpsc::Sender<Result<Change, RegistryError>>,
}

/// The watch is over.
struct Over;

impl Teller {
    async fn run(mut self, mut opened: Opened) {
        let member = opened.member.clone();
        let mut told = self.take(opened.first, &member).await;
        while told.is_ok() {
            // One future for each object, however often something else is done meanwhile: a transport may lose what it
            // has begun to read when its future is dropped.
            let mut read = pin!(opened.objects.next::<WatchResponse>());
            let read = loop {
                tokio::select! {
                    biased;
                    () = self.sender.closed() => return,
                    read = &mut read => break read,
                    () = sleep_until(self.quiet_at) => {
                        if self.look(&member).await.is_err() {
                            return;
                        }
                    }
                }
            };
            told = match read {
                Ok(Some(message)) => self.take(message, &member).await,
                Ok(None) => {
                    let fault = Fault::Away("it has ended the watch".to_owned());
                    self.end(fault, &member).await
                }
                Err(fault) => self.end(fault, &member).await,
            };
        }
    }

    /// Tells what a message says.
    async fn take(&mut self, message: WatchResponse, member: &str) -> Result<(), Over> {
        if message.compact_revision > Number(0) {
            return self
                .lose("etcd has forgotten what came next (it was compacted)")
                .await;
        }
        if message.canceled {
            return self.fail(Fault::canceled(&message.cancel_reason), member).await;
        }
        if message.created {
            // Its revision is the one of etcd, and what came before it may still be told.
            return Ok(());
        }
        let latest = message
            .events
            .iter()
            .map(|event| event.kv.mod_revision.revision());
        let revision = latest.max();
        let is_progress = revision.is_none();
        let revision = revision.unwrap_or_else(|| message.header.revision.revision());
        for change in batches(&self.keys, message.events) {
            self.tell(Ok(change)).await?;
        }
        if revision > self.at {
            self.at = revision;
            self.pulse.told();
        }
        if is_progress {
            // etcd says so in the stream itself, after all that came before.
            self.bookmark().await?;
        }
        self.quiet_at = Instant::now() + QUIET;
        Ok(())
    }

    /// Finds out whether there is really nothing to tell.
    async fn look(&mut self, member: &str) -> Result<(), Over> {
        self.quiet_at = Instant::now() + QUIET;
        match self.pulse.ask(&self.client, self.at).await {
            Ok(Beat::Alive) => self.bookmark().await,
            Ok(Beat::Behind) => {
                self.quiet_at = Instant::now() + AGAIN;
                Ok(())
            }
            Ok(Beat::Stuck) => {
                self.client.distrust();
                let reason = "the watch has not told what has changed: its connection is taken for dead";
                self.fail(Fault::Away(reason.to_owned()), member).await
            }
            Err(failed) if matches!(failed.fault, Fault::Compacted(_)) => {
                self.lose("etcd has forgotten the last state that was told (it was compacted)")
                    .await
            }
            Err(failed) => self.stop(failed.into()).await,
        }
    }

    async fn bookmark(&mut self) -> Result<(), Over> {
        let revision = Revision(self.at);
        self.tell(Ok(Change::Bookmark { revision })).await
    }

    async fn end(&mut self, fault: Fault, member: &str) -> Result<(), Over> {
        match fault {
            Fault::Compacted(reason) | Fault::Future(reason) => self.lose(&reason).await,
            Fault::Large(_) => self.lose("there are too many changes to tell them").await,
            fault => self.fail(fault, member).await,
        }
    }

    async fn lose(&mut self, reason: &str) -> Result<(), Over> {
        let reason = reason.to_owned();
        self.tell(Ok(Change::Lost { reason })).await?;
        Err(Over)
    }

    async fn fail(&mut self, fault: Fault, member: &str) -> Result<(), Over> {
        self.stop(Failed::of(member, fault).into()).await
    }

    async fn stop(&mut self, error: RegistryError) -> Result<(), Over> {
        self.tell(Err(error)).await?;
        Err(Over)
    }

    async fn tell(&mut self, told: Result<Change, RegistryError>) -> Result<(), Over> {
        self.sender.send(told).await.map_err(|_| Over)
    }
}
