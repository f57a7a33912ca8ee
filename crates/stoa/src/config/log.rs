//! `[log]`.

use stoa_server::LogFormat;

use super::{
    key::Key,
    reader::Reader,
    section::Section,
    table::Table,
    values::{boolean, log_format, log_level},
};

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
