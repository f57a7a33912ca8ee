//! A shop with one part, two customers who share a delivery, and a log of it.

use std::io::{self, Write};

use stoa_telemetry::{Counter, FlightSpan, LogFormat, LogSink, Part, Registry, log_layer, span};
use tracing_subscriber::layer::SubscriberExt;

struct Deliveries {
    made: Counter,
}

impl Deliveries {
    fn new(part: &Part) -> Self {
        Self {
            made: part.counter("made", "Deliveries made"),
        }
    }

    fn make(&self, delivery: &FlightSpan) {
        delivery.span().in_scope(|| tracing::info!("delivered"));
        self.made.inc();
    }
}

fn main() -> io::Result<()> {
    let registry = Registry::new("shop");
    let deliveries = Deliveries::new(&registry.part("deliveries"));

    // Dropping the sink writes what is left.
    let sink = LogSink::new(io::stderr())?;
    registry.root().collector(sink.writer());
    let log = tracing_subscriber::registry().with(log_layer(sink.writer(), LogFormat::Text));
    tracing::subscriber::with_default(log, || {
        let delivery = span::request("anna-1").in_scope(|| FlightSpan::new("anna-1"));
        span::request("ben-1").in_scope(|| delivery.join("ben-1"));
        deliveries.make(&delivery);
    });

    io::stdout().write_all(registry.text().as_bytes())
}
