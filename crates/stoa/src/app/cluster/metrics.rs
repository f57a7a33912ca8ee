//! What the cluster shows, for Prometheus.

use std::{fmt, sync::Arc};

use stoa_registry::{View, ViewStats};
use stoa_server::{ClusterControl, ClusterNode};
use stoa_telemetry::{Collect, Samples};

use super::{control::Control, own_place::OwnPlace, self_door::SelfDoor};

/// Shows what a node knows of the others. It is read at each scrape, so that nothing is counted twice.
#[derive(Debug)]
pub(super) struct ClusterMetrics {
    view: View,
    control: Arc<Control>,
    door: Arc<SelfDoor>,
}

type Count = (&'static str, &'static str, fn(&ViewStats) -> u64);

const COUNTS: &[Count] = &[
    ("registry_reads", "Reads of the registry", |stats| stats.reads),
    (
        "registry_failed_reads",
        "Reads of the registry that failed",
        |stats| stats.failed_reads,
    ),
    ("registry_watches", "Watches that were begun", |stats| {
        stats.watches
    }),
    (
        "registry_broken_watches",
        "Watches that broke off and were begun again where they were",
        |stats| stats.broken_watches,
    ),
    (
        "registry_lost_watches",
        "Watches after which everything was read again",
        |stats| stats.lost_watches,
    ),
    (
        "registry_puts",
        "Nodes that came, changed or were told once more",
        |stats| stats.puts,
    ),
    ("registry_gone", "Nodes that went", |stats| stats.gone),
    (
        "registry_rejected_updates",
        "Registrations that were refused",
        |stats| stats.rejected,
    ),
    (
        "registry_suspected",
        "Nodes whose end was not believed at once, because too many vanished",
        |stats| stats.suspected,
    ),
];

const STATES: [&str; 5] = ["ready", "draining", "leaving", "suspect", "unseen"];

impl ClusterMetrics {
    pub(super) fn new(view: View, control: Arc<Control>, door: Arc<SelfDoor>) -> Self {
        Self { view, control, door }
    }
}

impl Collect for ClusterMetrics {
    fn collect(&self, samples: &mut Samples<'_>) -> fmt::Result {
        let stats = self.view.stats();
        for (name, help, value) in COUNTS {
            samples.counter(name, help)?.value(value(&stats))?;
        }
        let status = self.control.status();
        let is_up = u64::from(matches!(status.source, "read" | "watched"));
        let help = "Whether the registry can be read: 1, or 0 while what was known before is used";
        samples.gauge("registry_up", help)?.value(is_up)?;
        let help = "How long ago what is known of the nodes was last proved";
        samples
            .gauge("registry_view_age_seconds", help)?
            .value(status.age_seconds)?;
        let help = "The state of the registry that the nodes were read at";
        samples.gauge("registry_revision", help)?.value(status.revision)?;
        let help = "Whether others can see this node";
        let is_given_here = || matches!(self.control.own_place(), Some(OwnPlace::Here(_)));
        let is_announced = match status.standing {
            "announced" => true,
            "given" => is_given_here(),
            _ => false,
        };
        let is_announced = u64::from(is_announced);
        samples.gauge("cluster_announced", help)?.value(is_announced)?;
        let help = "Nodes of the cluster, by state";
        let mut nodes = samples.gauge("cluster_nodes", help)?;
        for state in STATES {
            let count = status.nodes.iter().filter(|node| node.state == state).count();
            nodes.sample(&[("state", state)], u64::try_from(count).unwrap_or(u64::MAX))?;
        }
        let help = "Nodes that are not reached, or are not what they should be";
        let is_down = |node: &&ClusterNode| matches!(node.reached, "no" | "refused");
        let down = status.nodes.iter().filter(is_down).count();
        let down = u64::try_from(down).unwrap_or(u64::MAX);
        samples.gauge("cluster_nodes_down", help)?.value(down)?;
        // Before it was looked, nothing is said.
        let Some(leads_here) = self.door.leads_here() else {
            return Ok(());
        };
        let help = "Whether peer.advertise leads to this node: 1, or 0 where nobody or another node answers";
        samples
            .gauge("cluster_advertise_ok", help)?
            .value(u64::from(leads_here))
    }
}
