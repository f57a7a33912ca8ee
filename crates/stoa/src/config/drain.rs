//! `[drain]`.

use std::time::Duration;

use stoa_config::{Key, Reader, Section, Table, values::duration};

const NOTICE: Key = Key::new(
    "notice",
    "1s",
    "after a signal, how long /readyz says 503 while requests are still accepted",
)
.at_run_time();
const TIMEOUT: Key = Key::new("timeout", "30s", "then, how long open requests may take to end").at_run_time();

const DRAIN: Table = Table::once("drain", &[NOTICE, TIMEOUT]);

/// How the server ends.
#[derive(Clone, Debug)]
pub(crate) struct DrainConfig {
    pub(crate) notice: Duration,
    pub(crate) timeout: Duration,
}

impl Section for DrainConfig {
    const TABLES: &'static [Table] = &[DRAIN];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut drain = reader.once(&DRAIN);
        let notice = drain.value(&NOTICE, duration);
        let timeout = drain.value(&TIMEOUT, duration);
        Some(Self {
            notice: notice?,
            timeout: timeout?,
        })
    }
}
