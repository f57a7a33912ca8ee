//! How a program ended.

use crate::{Step, VcsError, VcsKind};

/// What a program that ended has left.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// The last it said on its standard error, cleaned.
    pub said: String,
}

impl Output {
    /// The error of a program that did not end well. `name` is what the text calls the run if the program said nothing.
    pub(crate) fn error(self, vcs: VcsKind, step: Step, name: &str) -> VcsError {
        let said = match self.code {
            _ if !self.said.is_empty() => self.said,
            Some(code) => format!("{name} ended with {code} and said nothing"),
            None => format!("{name} was killed"),
        };
        VcsError::Failed { vcs, step, said }
    }
}
