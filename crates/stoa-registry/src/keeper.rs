//! Keeps what is known of one service true.

use std::{
    future::pending,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::{
    Announcing, Change, Listing, Registry, RegistryError, Scope, Source, ViewOptions, Watch, Watching,
    disk::SnapshotDirectory,
    name_view::NameView,
    pause::Pause,
    roster::{Roster, RosterCounts, RosterRules},
    view_stats::{ViewCounters, add},
};

/// A watch that lives for so long is well, and pauses begin anew.
const HEALTHY: Duration = Duration::from_secs(5);
/// A snapshot on disk is written no more often.
const WRITE_PAUSE: Duration = Duration::from_secs(1);

/// Keeps what is known of one service true: it reads it once, and then watches it from that revision. It ends when it is
/// dropped.
pub(crate) struct Keeper {
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) name: Arc<NameView>,
    pub(crate) options: Arc<ViewOptions>,
    pub(crate) counters: Arc<ViewCounters>,
    pub(crate) nudges: watch::Receiver<u64>,
    pub(crate) pause: Pause,
}

impl Keeper {
    /// Begins with `listing`, if it has been read, or with what `looked` comes to, and goes on for ever.
    pub(crate) async fn run(mut self, listing: Option<Listing>, looked: impl Future<Output = ()>) {
        let mut roster = Roster::new(
            self.name.service.clone(),
            RosterRules {
                guard_window: self.options.guard_window,
                grace: self.grace(),
                validate: self.options.validate.clone(),
            },
        );
        if listing.is_none() {
            self.remember(&mut roster).await;
        }
        looked.await;
        let mut listing = listing.or_else(|| self.name.take_handed());
        let mut is_lost = false;
        let mut away_since: Option<Instant> = None;
        loop {
            let read = match listing.take() {
                Some(listing) => Ok(listing),
                None => self.read().await,
            };
            match read {
                Ok(listing) => {
                    let before = roster.counts();
                    if let Some(since) = away_since.take() {
                        roster.resume(since.elapsed(), Instant::now());
                    }
                    if is_lost {
                        roster.replace_lost(listing, Instant::now());
                    } else {
                        roster.replace(listing, Instant::now());
                    }
                    is_lost = false;
                    self.publish(&roster, before, Source::Read);
                }
                Err(error) => {
                    self.name.fail(&error);
                    away_since.get_or_insert_with(Instant::now);
                    self.wait().await;
                    continue;
                }
            }
            if self.registry.abilities().watching == Watching::Nothing {
                self.pause.reset();
                self.refresh_later(&mut roster).await;
            } else {
                self.watch(&mut roster).await;
                is_lost = true;
            }
        }
    }

    /// How long those who vanish together are kept. Who is written down by somebody, and can be watched, has not vanished by
    /// an accident of a registry.
    fn grace(&self) -> Duration {
        let abilities = self.registry.abilities();
        if abilities.announcing == Announcing::Given && abilities.watching == Watching::All {
            return Duration::ZERO;
        }
        self.options.grace
    }

    /// Begins with what was there when the last process ended.
    async fn remember(&self, roster: &mut Roster) {
        let Some(directory) = self.options.snapshots.clone() else {
            return;
        };
        let service = self.name.service.clone();
        let read = move || SnapshotDirectory::new(directory).read(&service);
        if let Ok(nodes) = tokio::task::spawn_blocking(read).await
            && !nodes.is_empty()
        {
            roster.remember(nodes);
            self.name.publish(roster.snapshot(), Source::Disk);
        }
    }

    async fn read(&self) -> Result<Listing, RegistryError> {
        add(&self.counters.reads, 1);
        let read = timeout(self.options.read_timeout, self.registry.get(&self.name.service)).await;
        let read = read.unwrap_or_else(|_elapsed| {
            let reason = format!("it did not answer within {:?}", self.options.read_timeout);
            Err(RegistryError::away(&self.registry, reason))
        });
        if read.is_err() {
            add(&self.counters.failed_reads, 1);
        }
        read
    }

    /// Watches, over as many connections as it takes, until what is known has to be read again.
    async fn watch(&mut self, roster: &mut Roster) {
        let scope = Scope::Service(self.name.service.clone());
        let mut away_since: Option<Instant> = None;
        loop {
            add(&self.counters.watches, 1);
            let (started, before) = (Instant::now(), roster.counts());
            let watch = timeout(
                self.options.read_timeout,
                self.registry.watch(&scope, roster.revision()),
            )
            .await;
            let ended = match watch {
                Ok(Ok(mut watch)) => {
                    if let Some(since) = away_since.take() {
                        roster.resume(since.elapsed(), Instant::now());
                    }
                    self.name.watch_begins();
                    self.follow(watch.as_mut(), roster).await
                }
                Ok(Err(error)) => Some(error),
                Err(_elapsed) => Some(RegistryError::away(
                    &self.registry,
                    "it did not begin a watch in time",
                )),
            };
            if started.elapsed() >= HEALTHY || roster.counts() != before {
                self.pause.reset();
            }
            let Some(error) = ended else {
                add(&self.counters.lost_watches, 1);
                // A registry that loses every watch at once is not read in a circle.
                self.wait().await;
                return;
            };
            add(&self.counters.broken_watches, 1);
            self.name.fail(&error);
            away_since.get_or_insert_with(Instant::now);
            self.wait().await;
        }
    }

    /// Takes over what a watch tells; why it ended, if it broke off, and nothing if it was lost.
    async fn follow(&mut self, watch: &mut dyn Watch, roster: &mut Roster) -> Option<RegistryError> {
        loop {
            let tick = roster.next_tick();
            let ticking = async {
                match tick {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            let before = roster.counts();
            let change = tokio::select! {
                change = timeout(self.options.silence, watch.next()) => change,
                () = ticking => {
                    roster.tick(Instant::now());
                    self.publish(roster, before, Source::Watched);
                    continue;
                }
            };
            match change {
                Ok(Ok(Change::Batch { revision, events })) => {
                    roster.apply(revision, events, Instant::now());
                    self.publish(roster, before, Source::Watched);
                }
                Ok(Ok(Change::Bookmark { revision })) => {
                    roster.pass(revision);
                    self.name.prove(Source::Watched);
                }
                Ok(Ok(Change::Lost { reason })) => {
                    tracing::info!(service = %self.name.service, %reason, "a watch is lost; everything is read again");
                    return None;
                }
                Ok(Err(error)) => return Some(error),
                Err(_elapsed) => {
                    let reason = format!("a watch was silent for {:?}", self.options.silence);
                    return Some(RegistryError::away(&self.registry, reason));
                }
            }
        }
    }

    /// Waits until it is time to read once more what cannot be watched.
    async fn refresh_later(&mut self, roster: &mut Roster) {
        let spread = self.pause.spread(self.options.refresh.mul_f64(1.1));
        let next = Instant::now() + spread;
        loop {
            let tick = roster.next_tick().filter(|tick| *tick < next);
            sleep_until(tick.unwrap_or(next)).await;
            if tick.is_none() {
                return;
            }
            let before = roster.counts();
            roster.tick(Instant::now());
            self.publish(roster, before, Source::Read);
        }
    }

    /// Waits after a failure, until somebody says that the registry is back.
    async fn wait(&mut self) {
        let pause = self.pause.next();
        self.nudges.mark_unchanged();
        tokio::select! {
            () = sleep(pause) => {}
            nudged = self.nudges.changed() => {
                if nudged.is_err() {
                    sleep(pause).await;
                }
            }
        }
    }

    fn publish(&self, roster: &Roster, before: RosterCounts, source: Source) {
        let now = roster.counts();
        add(&self.counters.puts, now.put - before.put);
        add(&self.counters.gone, now.gone - before.gone);
        add(&self.counters.rejected, now.rejected - before.rejected);
        add(&self.counters.suspected, now.suspected - before.suspected);
        self.name.publish(roster.snapshot(), source);
    }
}

/// Writes what is known of a service that somebody follows to the disk when it changes. Never ends.
pub(crate) async fn keep_on_disk(name: Arc<NameView>, directory: SnapshotDirectory) {
    let mut changes = name.changes();
    let mut written = None;
    let mut has_failed = false;
    loop {
        let is_followed = name.followers.load(Ordering::Acquire) > 0;
        if is_followed && matches!(name.source(), Source::Read | Source::Watched) {
            let snapshot = name.load();
            // A registry that has nobody is not worth remembering: it may just have been emptied.
            if !snapshot.nodes.is_empty() && written.as_ref() != Some(&snapshot.nodes) {
                let (directory, kept) = (directory.clone(), Arc::clone(&snapshot));
                let wrote = tokio::task::spawn_blocking(move || directory.write(&kept)).await;
                match wrote {
                    Ok(Ok(())) => {
                        has_failed = false;
                        written = Some(snapshot.nodes.clone());
                    }
                    Ok(Err(error)) if !has_failed => {
                        has_failed = true;
                        tracing::warn!(%error, service = %name.service, "what is known of the nodes cannot be kept on disk");
                    }
                    _ => {}
                }
            }
        }
        sleep(WRITE_PAUSE).await;
        if changes.changed().await.is_err() {
            return;
        }
    }
}
