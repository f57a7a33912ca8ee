//! The nodes of a cluster.

mod address;
mod alone;
mod check;
mod conditions;
mod control;
mod desk;
pub(super) mod etcd_transport;
mod members;
mod metrics;
mod node;
mod own_place;
mod own_state;
mod registries;
mod removal;
mod self_door;
mod services;
mod setup;
mod tell;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use stoa_peer::{Sessions, SessionsOptions};
use stoa_proxy::{ClusterPeers, KnockOptions, Knocker};
use stoa_registry::{
    Announcer, AnnouncerStanding, Announcing, Followed, NodeState, Registry, Source, View, Watching,
};
use stoa_server::{AdminGuard, Guard, Mount, PeerEndpoint, cluster_mount, peer_mount};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::check::check_settings;
use self::{
    alone::Alone,
    conditions::{Reached, Visibility},
    control::Control,
    desk::Desk,
    members::follow_members,
    metrics::ClusterMetrics,
    node::Me,
    own_place::OwnPlace,
    own_state::{OwnState, state},
    removal::TellRemovals,
    self_door::SelfDoor,
    setup::{peers, upstreams, view_options},
    tell::tell_others,
};
use super::{Core, Part, Role, upkeep::remover};
use crate::{
    admin_token::{self, SETTING},
    command_error::CommandError,
    config::Config,
};

/// How long a node that leaves waits for the registry.
const LEAVING: Duration = Duration::from_secs(1);
/// How much longer than its time to live another process may hold the id of this node.
const TAKEN_LONGER: Duration = Duration::from_secs(2);

/// This node among the others: it announces itself, sees them, and answers what they ask.
#[derive(Debug)]
pub(super) struct Cluster {
    me: Me,
    ttl: Duration,
    initial_wait: Duration,
    registry: Arc<dyn Registry>,
    view: View,
    upstreams: Arc<services::Registered>,
    followed: Mutex<Option<Followed>>,
    own: Arc<OwnState>,
    door: Arc<SelfDoor>,
    peers: Arc<ClusterPeers>,
    endpoint: Arc<PeerEndpoint>,
    control: Arc<Control>,
    guard: Arc<dyn Guard>,
    refreshes: Mutex<Option<mpsc::Receiver<stoa_module::PatternList>>>,
    tasks: TaskTracker,
    ending: CancellationToken,
}

/// Builds what a node of a cluster has; for a node by itself, what says that it is.
pub(super) fn build(config: &Config, core: &Core) -> Result<Arc<dyn Part>, CommandError> {
    let (token, _) = admin_token::of_server(config)?;
    let guard: Arc<dyn Guard> = Arc::new(AdminGuard::new(token, SETTING));
    check::started(config)?;
    let me = Me::of(config)?;
    let services = services::named(config);
    let Some(cluster) = &core.cluster else {
        let control = Arc::new(Control::alone(me));
        return Ok(Arc::new(Alone { control, guard }));
    };
    let secrets = Me::secrets(config)?;
    let registry = registries::open(config, core, &me, check::judge())?;
    let view = View::new(Arc::clone(&registry), view_options(config, me.instance));
    let upstreams = upstreams(config, &registry, me.instance, services);
    core.services.fill(Arc::clone(&upstreams) as _);
    let node = stoa_peer::Node::new(me.id.as_str().parse().map_err(CommandError::new)?);
    let (peers, own_peer) = peers(config, core, &me, &node, &secrets);
    let peers = Arc::new(peers);
    cluster.slot.fill(Arc::clone(&peers) as _);
    core.other_nodes.fill(Arc::new(TellRemovals(Arc::clone(&peers))));
    let own: Arc<OwnState> = Arc::default();
    let door = Arc::new(SelfDoor::new(me.clone(), own_peer));
    let desk = Desk {
        protocol: Arc::clone(&core.protocol),
        storage: Arc::clone(&core.storage),
        databases: core.checksums.own_files.clone(),
        refreshes: Arc::clone(&core.refreshes),
        remover: remover(core),
        own: Arc::clone(&own),
        peers: Arc::clone(&peers),
        instance: me.instance,
    };
    let sessions = Sessions::new(node, secrets, SessionsOptions::default());
    let control = Arc::new(Control::of_cluster(
        me.clone(),
        registry.to_string(),
        Arc::clone(&peers),
        Arc::clone(&own),
    ));
    let metrics = ClusterMetrics::new(view.clone(), Arc::clone(&control), Arc::clone(&door));
    core.registry.root().collector(metrics);
    core.readiness
        .add(Arc::new(Visibility::new(Arc::clone(&control))));
    core.readiness.add(Arc::clone(&door) as _);
    core.readiness.add(Arc::new(Reached::new(Arc::clone(&peers))));
    Ok(Arc::new(Cluster {
        ttl: config.registry.ttl,
        initial_wait: config.registry.initial_wait,
        followed: Mutex::new(None),
        endpoint: Arc::new(PeerEndpoint::new(sessions, Arc::new(desk))),
        refreshes: Mutex::new(core.refreshes.listen()),
        tasks: TaskTracker::new(),
        ending: CancellationToken::new(),
        me,
        registry,
        view,
        upstreams,
        own,
        door,
        peers,
        control,
        guard,
    }))
}

impl Cluster {
    /// Announces this node, and fails when another one keeps its id for longer than it could if it were dead.
    async fn announce(&self) -> Result<(), CommandError> {
        let mut registration = self.me.registration();
        if self.was_drained() {
            tracing::info!(
                "this node was drained when it ended without leaving, and still is: stoa cluster drain --off ends that"
            );
            self.own.begin_draining();
            registration.state = state(true);
        }
        let announcer = Arc::new(Announcer::start(
            Arc::clone(&self.registry),
            registration,
            self.ttl,
            Some(self.view.clone()),
            u64::from(self.me.instance.to_bytes()[0]),
        ));
        self.own.announce(Arc::clone(&announcer));
        let mut standing = announcer.standing();
        loop {
            {
                let now = standing.borrow_and_update();
                if let Some(error) = now.taken_for(self.ttl + TAKEN_LONGER) {
                    return Err(CommandError::new(format!("peer.id: {error}")));
                }
                if matches!(
                    *now,
                    AnnouncerStanding::Announced { .. } | AnnouncerStanding::Given | AnnouncerStanding::Left
                ) {
                    return Ok(());
                }
            }
            // The sender ends when the node leaves.
            if standing.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    /// Whether the registry still has the last life of this node, at this address, and an operator had drained it.
    fn was_drained(&self) -> bool {
        let followed = self.followed.lock();
        let Some(seen) = followed.as_ref().map(Followed::seen) else {
            return false;
        };
        let is_given = self.registry.abilities().announcing == Announcing::Given;
        !is_given
            && matches!(seen.source, Source::Read | Source::Watched)
            && OwnPlace::of(&seen.snapshot, &self.me) == OwnPlace::Here(NodeState::Draining)
    }

    /// Looks whether the others are reached, and this node by its address.
    fn knock(&self, is_server: bool) {
        let options = KnockOptions {
            seed: u64::from_be_bytes([7; 8]) ^ u64::from(self.me.instance.to_bytes()[0]),
            ..KnockOptions::default()
        };
        let (knocker, ending) = (
            Knocker::new(Arc::clone(&self.peers), options),
            self.ending.clone(),
        );
        self.tasks.spawn(async move {
            ending.run_until_cancelled(knocker.run()).await;
        });
        if is_server {
            let (door, ending) = (Arc::clone(&self.door), self.ending.clone());
            self.tasks.spawn(async move {
                ending.run_until_cancelled(door.watch()).await;
            });
        }
    }
}

#[async_trait]
impl Part for Cluster {
    fn name(&self) -> &'static str {
        "cluster"
    }

    fn mounts(&self) -> Vec<Mount> {
        vec![
            peer_mount(Arc::clone(&self.endpoint)),
            cluster_mount(Arc::clone(&self.control) as _, Arc::clone(&self.guard)),
        ]
    }

    async fn start(&self, _: &Config) -> Result<(), CommandError> {
        let mut followed = self.view.follow(&self.me.service);
        if !followed.ready(self.initial_wait).await {
            tracing::warn!(registry = %self.registry, "the nodes of the cluster are not known yet; this one goes on by itself");
        }
        self.upstreams.ready(self.initial_wait).await;
        *self.followed.lock() = Some(followed.clone());
        self.control.follow(followed.clone());
        let (peers, me) = (Arc::clone(&self.peers), self.me.clone());
        members::take_over(&followed, &peers, &me, &self.own);
        let (own, ending) = (Arc::clone(&self.own), self.ending.clone());
        let is_given = self.registry.abilities().announcing == Announcing::Given;
        // Those who are found by DNS come and go by themselves.
        let given = (is_given && self.registry.abilities().watching == Watching::All)
            .then(|| self.registry.to_string());
        self.tasks.spawn(async move {
            ending
                .run_until_cancelled(follow_members(followed, peers, me, own, given))
                .await;
        });
        if let Some(refreshes) = self.refreshes.lock().take() {
            let (peers, ending) = (Arc::clone(&self.peers), self.ending.clone());
            self.tasks.spawn(async move {
                ending.run_until_cancelled(tell_others(refreshes, peers)).await;
            });
        }
        Ok(())
    }

    async fn enter(&self, role: Role) -> Result<(), CommandError> {
        self.knock(matches!(role, Role::Server));
        match role {
            Role::Server => self.announce().await,
            // It serves no modules, so nobody is to ask it for any; it asks the owners.
            Role::Worker { .. } => Ok(()),
        }
    }

    async fn leave(&self) {
        if let Some(announcer) = self.own.announcer() {
            announcer.leave(LEAVING).await;
        }
    }

    async fn end(&self) {
        self.ending.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.followed.lock().take();
        self.control.end();
        let _stopped = timeout(LEAVING, self.view.stop()).await;
        let _stopped = timeout(LEAVING, self.upstreams.stop()).await;
    }
}
