//! The nodes of a cluster.

mod address;
mod control;
mod desk;
pub(super) mod etcd_transport;
mod members;
mod metrics;
mod node;
mod registries;
mod services;
mod setup;
mod tell;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use stoa_peer::{Sessions, SessionsOptions};
use stoa_proxy::ClusterPeers;
use stoa_registry::{Announcer, AnnouncerStanding, Followed, Registration, Registry, View};
use stoa_server::{AdminGuard, Guard, Mount, PeerEndpoint, cluster_mount, peer_mount};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    control::Control,
    desk::Desk,
    members::follow_members,
    metrics::ClusterMetrics,
    node::{Me, Visibility},
    setup::{peers, upstreams, view_options},
    tell::tell_others,
};
use super::{Core, Part, Role};
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
    announcer: Arc<Mutex<Option<Arc<Announcer>>>>,
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
    let me = Me::of(config)?;
    let services = services::named(config);
    let Some(cluster) = &core.cluster else {
        if let Some(service) = services.first() {
            let fault = format!("registry:{service} is named as an upstream, and there is no registry");
            return Err(config.fault("registry.backend", fault).into());
        }
        let control = Arc::new(Control::alone(me));
        return Ok(Arc::new(Alone { control, guard }));
    };
    let secrets = Me::secrets(config)?;
    let registry = registries::open(config, core, &me)?;
    let view = View::new(Arc::clone(&registry), view_options(config, me.instance));
    let upstreams = upstreams(config, &registry, me.instance, services);
    core.services.fill(Arc::clone(&upstreams) as _);
    let node = stoa_peer::Node::new(me.id.as_str().parse().map_err(CommandError::new)?);
    let peers = Arc::new(peers(config, core, &me, &node, &secrets));
    cluster.slot.fill(Arc::clone(&peers) as _);
    let announcer: Arc<Mutex<Option<Arc<Announcer>>>> = Arc::default();
    let desk = Desk {
        protocol: Arc::clone(&core.protocol),
        storage: Arc::clone(&core.storage),
        databases: core.checksums.own_files.clone(),
        refreshes: Arc::clone(&core.refreshes),
        announcer: Arc::clone(&announcer),
    };
    let sessions = Sessions::new(node, secrets, SessionsOptions::default());
    let control = Arc::new(Control::of_cluster(
        me.clone(),
        registry.to_string(),
        Arc::clone(&peers),
        Arc::clone(&announcer),
    ));
    let metrics = ClusterMetrics::new(view.clone(), Arc::clone(&control));
    core.registry.root().collector(metrics);
    core.readiness
        .add(Arc::new(Visibility::new(Arc::clone(&announcer), me.id.clone())));
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
        announcer,
        peers,
        control,
        guard,
    }))
}

impl Cluster {
    /// Announces this node, and fails when another one keeps its id for longer than it could if it were dead.
    async fn announce(&self) -> Result<(), CommandError> {
        let registration: Registration = self.me.registration();
        let announcer = Arc::new(Announcer::start(
            Arc::clone(&self.registry),
            registration,
            self.ttl,
            Some(self.view.clone()),
            u64::from(self.me.instance.to_bytes()[0]),
        ));
        *self.announcer.lock() = Some(Arc::clone(&announcer));
        let mut standing = announcer.standing();
        loop {
            let taken = match &*standing.borrow_and_update() {
                AnnouncerStanding::Taken { error, since } => {
                    Some((error.clone(), *since + self.ttl + TAKEN_LONGER))
                }
                AnnouncerStanding::Announced { .. } | AnnouncerStanding::Given | AnnouncerStanding::Left => {
                    return Ok(());
                }
                _ => None,
            };
            let changed = standing.changed();
            match taken {
                // The sender ends when the node leaves.
                None => {
                    if changed.await.is_err() {
                        return Ok(());
                    }
                }
                Some((error, until)) => {
                    if tokio::time::timeout_at(until, changed).await.is_err() {
                        return Err(CommandError::new(format!("peer.id: {error}")));
                    }
                }
            }
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
        members::take_over(&followed, &peers, &me);
        let ending = self.ending.clone();
        self.tasks.spawn(async move {
            ending
                .run_until_cancelled(follow_members(followed, peers, me))
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
        match role {
            Role::Server => self.announce().await,
            // It serves no modules, so nobody is to ask it for any; it asks the owners.
            Role::Worker { .. } => Ok(()),
        }
    }

    async fn leave(&self) {
        let announcer = self.announcer.lock().clone();
        if let Some(announcer) = announcer {
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

/// A node by itself.
#[derive(Debug)]
struct Alone {
    control: Arc<Control>,
    guard: Arc<dyn Guard>,
}

impl Part for Alone {
    fn name(&self) -> &'static str {
        "cluster"
    }

    fn mounts(&self) -> Vec<Mount> {
        vec![cluster_mount(
            Arc::clone(&self.control) as _,
            Arc::clone(&self.guard),
        )]
    }
}
