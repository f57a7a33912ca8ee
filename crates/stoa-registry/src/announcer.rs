//! A node that announces itself.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Announcing, NodeState, Registration, Registry, RegistryError, View, pause::Pause};

/// How long one announcement may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a registry is asked whether an id that is taken is still taken.
const TAKEN_BEAT: Duration = Duration::from_secs(1);

/// Keeps one node announced, by a heartbeat three times in its time to live, until it leaves.
///
/// A registry that is away is asked again at the same pace: others see the node again as soon as the registry is back.
pub struct Announcer {
    registry: Arc<dyn Registry>,
    wanted: watch::Sender<Wanted>,
    tried: watch::Receiver<Tried>,
    standing: watch::Receiver<AnnouncerStanding>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What is to be announced, and how often it has changed.
#[derive(Clone, Debug)]
struct Wanted {
    number: u64,
    registration: Registration,
}

/// Which change was announced last, and whether the registry has it.
#[derive(Clone, Copy, Debug, Default)]
struct Tried {
    number: Option<u64>,
    is_known: bool,
}

/// Whether others can see the node.
#[derive(Clone, Debug)]
pub enum AnnouncerStanding {
    /// It has not been announced yet.
    Pending,
    /// It is announced, since then.
    Announced {
        /// Since when, without a break.
        since: Instant,
    },
    /// Another process is announced under its id.
    Taken {
        /// What the registry says, with both addresses.
        error: RegistryError,
        /// Since when it has said so, each time that it was asked.
        since: Instant,
        /// When it said so last. The other one may have gone since then.
        asked: Instant,
    },
    /// It cannot be announced.
    Failing {
        /// Why.
        error: RegistryError,
        /// Since when.
        since: Instant,
    },
    /// Nodes are not announced here: somebody else says who is there.
    Given,
    /// It has left.
    Left,
}

impl AnnouncerStanding {
    /// What the registry has said, without a break, for as long as `time`: that another process has the id of this one. Only what it has
    /// said counts, and not that time has passed since: one that has died has left its place by then.
    pub fn taken_for(&self, time: Duration) -> Option<&RegistryError> {
        match self {
            Self::Taken { error, since, asked } if *asked >= *since + time => Some(error),
            _ => None,
        }
    }
}

impl Announcer {
    /// Announces `registration` in `registry` for `ttl` at a time. Tells `view` when the registry is back. Must be called within
    /// a runtime.
    pub fn start(
        registry: Arc<dyn Registry>,
        registration: Registration,
        ttl: Duration,
        view: Option<View>,
        seed: u64,
    ) -> Self {
        let (tell, standing) = watch::channel(AnnouncerStanding::Pending);
        let (wanted, wants) = watch::channel(Wanted {
            number: 0,
            registration,
        });
        let (tell_tried, tried) = watch::channel(Tried::default());
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let beat = ttl / 3;
        let heart = Heart {
            registry: Arc::clone(&registry),
            wants,
            ttl,
            tell,
            tell_tried,
            view,
            pause: Pause::new(beat, beat, seed),
        };
        let token = stop.clone();
        tasks.spawn(async move {
            token.run_until_cancelled(heart.beat(beat)).await;
        });
        Self {
            registry,
            wanted,
            tried,
            standing,
            stop,
            tasks,
        }
    }

    /// What is announced.
    pub fn registration(&self) -> Registration {
        self.wanted.borrow().registration.clone()
    }

    /// Announces a change at once.
    pub fn update(&self, change: impl FnOnce(&mut Registration)) {
        self.wanted.send_modify(|wanted| {
            wanted.number += 1;
            change(&mut wanted.registration);
        });
    }

    /// Whether the registry has what the node says of itself now.
    pub fn is_known(&self) -> bool {
        let tried = *self.tried.borrow();
        tried.is_known && tried.number == Some(self.wanted.borrow().number)
    }

    /// Waits until what the node says of itself now has been announced, or could not be, or `within` has passed. Whether the
    /// registry has it.
    pub async fn known(&self, within: Duration) -> bool {
        let number = self.wanted.borrow().number;
        let mut tried = self.tried.clone();
        let done = tried.wait_for(|tried| tried.number >= Some(number));
        let _late = timeout(within, done).await;
        self.is_known()
    }

    /// Whether others can see the node, as it changes.
    pub fn standing(&self) -> watch::Receiver<AnnouncerStanding> {
        self.standing.clone()
    }

    /// Says that it goes, and takes the node out. Others leave it out from then on, and nobody takes its end for a failure. It
    /// takes no longer than `within`: a registry that is away finds out by itself.
    pub async fn leave(&self, within: Duration) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if self.registry.abilities().announcing == Announcing::Given {
            return;
        }
        let mut last = self.registration();
        last.state = NodeState::Leaving;
        let left = async {
            self.registry.register(&last, PATIENCE).await?;
            self.registry.deregister(&last).await
        };
        match timeout(within, left).await {
            Ok(Ok(())) => tracing::debug!(node = %last.node.id, "the node has left the registry"),
            Ok(Err(error)) => tracing::warn!(%error, "the node could not leave the registry"),
            Err(_elapsed) => tracing::warn!(?within, "the node could not leave the registry in time"),
        }
    }
}

struct Heart {
    registry: Arc<dyn Registry>,
    wants: watch::Receiver<Wanted>,
    ttl: Duration,
    tell: watch::Sender<AnnouncerStanding>,
    tell_tried: watch::Sender<Tried>,
    view: Option<View>,
    pause: Pause,
}

impl Heart {
    async fn beat(mut self, every: Duration) {
        if self.registry.abilities().announcing == Announcing::Given {
            self.tell.send_replace(AnnouncerStanding::Given);
            return;
        }
        loop {
            let Wanted { number, registration } = self.wants.borrow_and_update().clone();
            let announced = timeout(
                PATIENCE.min(self.ttl),
                self.registry.register(&registration, self.ttl),
            )
            .await;
            let announced = announced.unwrap_or_else(|_elapsed| {
                Err(RegistryError::away(&self.registry, "it did not answer in time"))
            });
            let is_taken = matches!(announced, Err(RegistryError::Taken { .. }));
            self.note_tried(number, announced.is_ok());
            self.note(announced);
            let pause = self
                .pause
                .spread(if is_taken { every.min(TAKEN_BEAT) } else { every });
            tokio::select! {
                () = sleep(pause) => {}
                changed = self.wants.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// A heartbeat that fails takes nothing back that the registry has.
    fn note_tried(&self, number: u64, is_known: bool) {
        self.tell_tried.send_modify(|tried| {
            let was_known = tried.number == Some(number) && tried.is_known;
            *tried = Tried {
                number: Some(number),
                is_known: is_known || was_known,
            };
        });
    }

    fn note(&self, announced: Result<(), RegistryError>) {
        let before = self.tell.borrow().clone();
        let now = Instant::now();
        match announced {
            Ok(()) => {
                if matches!(before, AnnouncerStanding::Announced { .. }) {
                    return;
                }
                tracing::info!(registry = %self.registry, "the node is announced");
                self.tell
                    .send_replace(AnnouncerStanding::Announced { since: now });
                // Whoever waits to read the registry need not wait any longer.
                if let Some(view) = &self.view {
                    view.nudge();
                }
            }
            Err(error) => {
                let is_known = match &before {
                    AnnouncerStanding::Taken { error: known, .. }
                    | AnnouncerStanding::Failing { error: known, .. } => {
                        known.to_string() == error.to_string()
                    }
                    _ => false,
                };
                if !is_known {
                    tracing::warn!(%error, "the node cannot be announced; it is tried again");
                }
                let is_taken = matches!(error, RegistryError::Taken { .. });
                let standing = match before {
                    AnnouncerStanding::Taken { since, .. } if is_taken => AnnouncerStanding::Taken {
                        error,
                        since,
                        asked: now,
                    },
                    AnnouncerStanding::Failing { since, .. } if !is_taken => {
                        AnnouncerStanding::Failing { error, since }
                    }
                    _ if is_taken => AnnouncerStanding::Taken {
                        error,
                        since: now,
                        asked: now,
                    },
                    _ => AnnouncerStanding::Failing { error, since: now },
                };
                self.tell.send_replace(standing);
            }
        }
    }
}

impl fmt::Debug for Announcer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Announcer")
            .field("node", &self.wanted.borrow().registration.node.id)
            .field("standing", &*self.standing.borrow())
            .finish_non_exhaustive()
    }
}
