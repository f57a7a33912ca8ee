//! What was asked of repositories, for Prometheus.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
};

/// Gives how often each kind of command was run for each system: system, kind, count.
pub type VcsCounts = Box<dyn Fn() -> Vec<(&'static str, &'static str, u64)> + Send + Sync>;

/// Asks at each scrape.
pub(crate) struct VcsMetrics(pub(crate) VcsCounts);

impl fmt::Debug for VcsMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VcsMetrics").field(&(self.0)()).finish()
    }
}

impl Collector for VcsMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help =
            "What was run for repositories and what came of it, by system and kind; bytes are those of packs";
        let mut family = encoder.encode_descriptor("vcs_commands", help, None, MetricType::Counter)?;
        for (vcs, kind, count) in (self.0)() {
            let labels = [("vcs", vcs), ("kind", kind)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
