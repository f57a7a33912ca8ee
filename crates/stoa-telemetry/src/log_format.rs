//! The form of log lines.

use tracing::Subscriber;
use tracing_subscriber::{Layer, fmt, registry::LookupSpan};

use crate::{LogWriter, current_fields::CurrentFields};

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people: `key=value`.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Writes `tracing` events, with the spans that they are in, as lines of `format` to `writer`.
///
/// A field of a span that is recorded again is shown once, with its last value.
pub fn log_layer<S>(writer: LogWriter, format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = fmt::layer().with_ansi(false).with_writer(move || writer.clone());
    match format {
        LogFormat::Text => layer.fmt_fields(CurrentFields::default()).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}
