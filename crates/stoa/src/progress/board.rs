//! Where progress is shown.

use super::{bars::Bars, lines::Lines, standing::Standing};
use crate::terminal::{Stderr, is_terminal};

/// Shows how far jobs have come on standard error, as it suits what is there.
#[derive(Debug)]
pub(crate) enum Board {
    /// A terminal.
    Bars(Box<Bars>),
    /// A file or a pipe.
    Lines(Lines<Stderr>),
    /// Somebody who does not want to know.
    Quiet,
}

impl Board {
    pub(crate) fn new(quiet: bool) -> Self {
        if quiet {
            Self::Quiet
        } else if is_terminal() {
            Self::Bars(Box::new(Bars::new()))
        } else {
            Self::Lines(Lines::new(Stderr))
        }
    }

    /// Whether nothing is shown, so that nothing has to be asked for.
    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self, Self::Quiet)
    }

    /// Shows how far `what` has come.
    pub(crate) fn show(&mut self, what: &str, standing: &Standing) {
        match self {
            Self::Bars(bars) => bars.show(standing),
            Self::Lines(lines) => lines.show(what, standing),
            Self::Quiet => {}
        }
    }

    /// Everything has ended.
    pub(crate) fn end(self, what: &str, standing: &Standing) {
        if let Self::Lines(mut lines) = self {
            lines.end(what, standing);
        }
    }
}
