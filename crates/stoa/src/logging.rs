//! Where log lines go.

use std::{borrow::Cow, io};

use stoa_telemetry::{LogFormat, LogSink, log_layer};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

/// Sends `tracing` events to standard error through a sink, which must be kept until the end: dropping it writes what
/// is left.
pub(crate) fn start(level: &str, format: LogFormat) -> io::Result<LogSink> {
    let sink = LogSink::new(io::stderr())?;
    // The filter has been checked with the configuration.
    let filter = EnvFilter::try_new(quiet(level)).unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::registry()
        .with(filter)
        .with(log_layer(sink.writer(), format));
    subscriber.try_init().map_err(io::Error::other)?;
    Ok(sink)
}

/// h2 warns of each client that breaks its limits, which a stranger can do as often as he likes. Who names a target or asks
/// for details gets everything.
fn quiet(level: &str) -> Cow<'_, str> {
    match level {
        "warn" | "info" => format!("{level},h2=error").into(),
        level => level.into(),
    }
}
