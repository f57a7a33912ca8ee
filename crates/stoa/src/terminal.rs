//! What commands print.

use std::{
    env,
    io::{self, IsTerminal, StderrLock, StdoutLock, Write},
};

use stoa_telemetry::VisibleWriter;

/// Standard output, in which every character shows: what servers have said must not steer a terminal.
pub(crate) fn stdout() -> VisibleWriter<StdoutLock<'static>> {
    VisibleWriter(io::stdout().lock())
}

/// Standard error, in the same way.
pub(crate) fn stderr() -> VisibleWriter<StderrLock<'static>> {
    VisibleWriter(io::stderr().lock())
}

/// Standard error for who keeps it: each write takes the lock for itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        stderr().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().flush()
    }
}

/// Whether standard error is a terminal on which lines can be drawn again.
pub(crate) fn is_terminal() -> bool {
    io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|name| name != "dumb")
}
