//! What the parts below the edge show to Prometheus.

mod lanes;
mod repositories;
mod sums;

pub use lanes::LaneMetrics;
pub use repositories::RepositoryMetrics;
pub use sums::SumMetrics;
