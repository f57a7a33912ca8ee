//! What commands print.

use std::io::{self, StderrLock, StdoutLock};

use stoa_telemetry::VisibleWriter;

/// Standard output, in which every character shows: what servers have said must not steer a terminal.
pub(crate) fn stdout() -> VisibleWriter<StdoutLock<'static>> {
    VisibleWriter(io::stdout().lock())
}

/// Standard error, in the same way.
pub(crate) fn stderr() -> VisibleWriter<StderrLock<'static>> {
    VisibleWriter(io::stderr().lock())
}
