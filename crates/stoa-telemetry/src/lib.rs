//! What a server tells of itself.
//!
//! * **Metrics.** Each [`Part`] of a program registers its own metrics in a [`Registry`] that it is handed, and keeps the
//!   handles. [`Registry::text`] shows all of them to Prometheus.
//! * **Spans.** [`span`] names every span of a request's way, so that all lines of one request are found by its id. A
//!   [`FlightSpan`] belongs to several requests at once and is found by the id of each.
//! * **The log.** A [`LogSink`] writes lines on a thread of its own; [`log_layer`] formats `tracing` events as text or JSON.
//!   What steers a terminal or turns the direction of text is made [`visible()`] in both.
//!
//! ```
//! use stoa_telemetry::Registry;
//!
//! let registry = Registry::new("shop");
//! let orders = registry.part("orders").counter("taken", "Orders taken");
//! orders.inc();
//! assert!(registry.text().contains("shop_orders_taken_total 1\n"));
//! ```

mod collect;
mod current_fields;
mod flight_span;
mod log_format;
mod log_sink;
mod registry;
pub mod span;
mod visible;

pub use collect::{Collect, Number, SampleFamily, Samples};
pub use flight_span::FlightSpan;
pub use log_format::{LogFormat, log_layer};
pub use log_sink::{LogSink, LogWriter};
pub use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
};
pub use registry::{Part, Registry};
pub use visible::{VisibleWriter, is_unseen, visible, visible_lines};
