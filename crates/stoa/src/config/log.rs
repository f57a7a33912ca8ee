//! `[log]`.

use std::fmt;

use stoa_config::{Key, Reader, Section, Table, values::boolean};
use stoa_server::LogFormat;
use tracing_subscriber::EnvFilter;

const FORMAT: Key = Key::new("format", "text", "text or json");
const LEVEL: Key = Key::new(
    "level",
    "info",
    "error, warn, info, debug or trace; or directives such as stoa_fetch=debug",
)
.at_run_time();
const ACCESS: Key = Key::new("access", "true", "one line for each request");

const LOG: Table = Table::once("log", &[FORMAT, LEVEL, ACCESS]);

/// What is logged.
#[derive(Clone, Debug)]
pub(crate) struct LogConfig {
    pub(crate) format: LogFormat,
    /// A filter that has been checked.
    pub(crate) level: String,
    /// One line for each request.
    pub(crate) access: bool,
}

impl Section for LogConfig {
    const TABLES: &'static [Table] = &[LOG];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut log = reader.once(&LOG);
        let format = log.value(&FORMAT, log_format);
        let level = log.value(&LEVEL, log_level);
        let access = log.value(&ACCESS, boolean);
        Some(Self {
            format: format?,
            level: level?,
            access: access?,
        })
    }
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("bad log format {text:?}: write text or json")),
    }
}

/// Checked here, so that a bad filter is a fault of the configuration and not of the start.
fn log_level(text: &str) -> Result<String, String> {
    let bad = |error: &dyn fmt::Display| format!("bad log level {text:?}: {error}");
    EnvFilter::builder().parse(text).map_err(|error| bad(&error))?;
    let levels = ["error", "warn", "info", "debug", "trace", "off"];
    if !text.contains('=') && !levels.contains(&text) {
        return Err(bad(&"write error, warn, info, debug or trace"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_word_or_directives() {
        assert!(log_level("loud").is_err() && log_level("stoa_fetch=debug,info").is_ok());
    }
}
