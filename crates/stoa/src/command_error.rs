//! Why a command failed.

use std::{fmt, io};

use crate::config::ConfigError;

/// Exit code for a command line or a configuration that cannot be understood (`EX_USAGE` of sysexits).
pub(crate) const USAGE: u8 = 64;

/// Exit code of a command whose server could not be reached, or had no time for it (`EX_UNAVAILABLE`).
pub(crate) const UNAVAILABLE: u8 = 69;

/// Exit code of a command that was interrupted, as a shell tells it of SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why a command failed: one text for the user, and the exit code.
#[derive(Debug)]
pub(crate) struct CommandError {
    pub(crate) text: String,
    pub(crate) code: u8,
}

impl CommandError {
    /// Something went wrong while the command ran.
    pub(crate) fn new(text: impl fmt::Display) -> Self {
        Self {
            text: text.to_string(),
            code: 1,
        }
    }

    /// The server is away, now.
    pub(crate) fn unavailable(text: impl fmt::Display) -> Self {
        Self {
            text: text.to_string(),
            code: UNAVAILABLE,
        }
    }

    /// The command has said what is wrong already.
    pub(crate) fn already_printed() -> Self {
        Self::new("")
    }
}

impl From<ConfigError> for CommandError {
    fn from(faults: ConfigError) -> Self {
        Self {
            text: faults.to_string(),
            code: USAGE,
        }
    }
}

/// Writing the output failed: most often a closed pipe.
impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        Self::new(if error.kind() == io::ErrorKind::BrokenPipe {
            String::new()
        } else {
            error.to_string()
        })
    }
}
