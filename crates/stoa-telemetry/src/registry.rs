//! Where parts register their metrics.

use std::{collections::HashSet, fmt, hash::Hash, sync::Arc};

use parking_lot::Mutex;
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeMetric, text::encode},
    metrics::{TypedMetric, counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry as Inner,
};

use crate::collect::{Collect, Collected};

/// All metrics of a program. Cheap to clone; clones are the same registry.
///
/// Parts register while the program starts. The handles that they get count without a lock, and without the registry.
#[derive(Clone)]
pub struct Registry {
    metrics: Arc<Mutex<Registered>>,
}

/// What a part registers its metrics in: their names begin with that of the part.
#[derive(Clone, Debug)]
pub struct Part {
    registry: Registry,
    /// Empty, or the part's name and an underscore.
    prefix: String,
}

struct Registered {
    inner: Inner,
    names: HashSet<String>,
}

impl Registry {
    /// A registry without metrics. All names will begin with `prefix` and an underscore.
    pub fn new(prefix: &str) -> Self {
        let registered = Registered {
            inner: Inner::with_prefix(prefix),
            names: HashSet::new(),
        };
        Self {
            metrics: Arc::new(Mutex::new(registered)),
        }
    }

    /// The handle of the part called `name`, such as `orders`: its metrics are called `PREFIX_orders_...`.
    pub fn part(&self, name: &str) -> Part {
        Part {
            registry: self.clone(),
            prefix: format!("{name}_"),
        }
    }

    /// The handle of the part whose metrics have only the prefix of the registry in front: `PREFIX_...`.
    pub fn root(&self) -> Part {
        Part {
            registry: self.clone(),
            prefix: String::new(),
        }
    }

    /// The exposition text, in `OpenMetrics` form.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.metrics.lock().inner).is_err() {
            // Writing to a string fails only if a collector says so. Half a text would look like metrics that are gone.
            tracing::error!("the metrics could not be written");
            text.clear();
        }
        text
    }
}

impl Part {
    /// Registers a count that only goes up. Prometheus shows it with `_total` at its end.
    ///
    /// # Panics
    /// As all of these: when another metric has the name, which is a mistake in the program.
    pub fn counter(&self, name: &str, help: &str) -> Counter {
        self.register(name, help, Counter::default())
    }

    /// Registers counts that only go up, one for each set of labels that is met.
    pub fn counters<L: Labels>(&self, name: &str, help: &str) -> Family<L, Counter> {
        self.register(name, help, Family::default())
    }

    /// Registers a number that goes up and down.
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        self.register(name, help, Gauge::default())
    }

    /// Registers numbers that go up and down, one for each set of labels that is met.
    pub fn gauges<L: Labels>(&self, name: &str, help: &str) -> Family<L, Gauge> {
        self.register(name, help, Family::default())
    }

    /// Registers a distribution. Each bucket counts what is at most its bound.
    pub fn histogram(&self, name: &str, help: &str, buckets: impl IntoIterator<Item = f64>) -> Histogram {
        self.register(name, help, Histogram::new(buckets))
    }

    /// Registers distributions, one for each set of labels that is met; `new` makes an empty one.
    pub fn histograms<L: Labels>(
        &self,
        name: &str,
        help: &str,
        new: fn() -> Histogram,
    ) -> Family<L, Histogram> {
        self.register(name, help, Family::new_with_constructor(new))
    }

    /// Registers something whose values are read at each scrape. The names that it writes get the prefix of the part too.
    pub fn collector(&self, collect: impl Collect) {
        let collected = Collected {
            collect,
            prefix: self.prefix.clone(),
        };
        let mut registered = self.registry.metrics.lock();
        registered.inner.register_collector(Box::new(collected));
    }

    fn register<M>(&self, name: &str, help: &str, metric: M) -> M
    where
        M: EncodeMetric + TypedMetric + Clone + fmt::Debug + Send + Sync + 'static,
    {
        let name = format!("{}{name}", self.prefix);
        let mut registered = self.registry.metrics.lock();
        let is_new = registered.names.insert(name.clone());
        assert!(is_new, "two metrics are called {name}");
        registered.inner.register(name, help, metric.clone());
        metric
    }
}

/// A set of labels: what derives [`EncodeLabelSet`] and the usual traits.
pub trait Labels: EncodeLabelSet + Clone + fmt::Debug + Eq + Hash + Send + Sync + 'static {}

impl<L: EncodeLabelSet + Clone + fmt::Debug + Eq + Hash + Send + Sync + 'static> Labels for L {}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry({} metrics)", self.metrics.lock().names.len())
    }
}
