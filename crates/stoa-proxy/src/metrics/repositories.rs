//! What is run for repositories, for Prometheus.

use std::{fmt, sync::Arc};

use stoa_telemetry::{Collect, Samples};
use stoa_vcs::process::Counters;

/// Shows how often each kind of command was run for each version control system. It reads the counters at each scrape.
#[derive(Debug)]
pub struct RepositoryMetrics {
    systems: Vec<(&'static str, Arc<Counters>)>,
}

impl RepositoryMetrics {
    /// Shows the counters of these systems, each under its name, such as `git`.
    pub fn new(systems: impl IntoIterator<Item = (&'static str, Arc<Counters>)>) -> Self {
        Self {
            systems: systems.into_iter().collect(),
        }
    }
}

impl Collect for RepositoryMetrics {
    fn collect(&self, samples: &mut Samples<'_>) -> fmt::Result {
        let help =
            "What was run for repositories and what came of it, by system and kind; bytes are those of packs";
        let mut family = samples.counter("vcs_commands", help)?;
        for (system, counters) in &self.systems {
            for (kind, count) in counters.all() {
                family.sample(&[("vcs", system), ("kind", kind)], count)?;
            }
        }
        Ok(())
    }
}
