//! Where log lines go.

use std::io;

use stoa_server::{LogFormat, LogSink};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Sends `tracing` events to standard error through a sink, which must be kept until the end: dropping it writes what
/// is left.
pub(crate) fn start(level: &str, format: LogFormat) -> io::Result<LogSink> {
    let sink = LogSink::new(io::stderr())?;
    let writer = sink.writer();
    // The filter has been checked with the configuration.
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_ansi(false).with_writer(move || writer.clone());
    let set = match format {
        LogFormat::Text => registry.with(layer).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
    set.map_err(io::Error::other)?;
    Ok(sink)
}
