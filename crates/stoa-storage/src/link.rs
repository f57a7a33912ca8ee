//! A way to a stored file that leads around this process.

use std::fmt;

/// A URL at which anybody who has it can read one stored file for a while.
///
/// It is a secret as long as it is valid: it is told to the client who may have the file, and not logged. `Debug` leaves
/// out what signs it.
#[derive(Clone, PartialEq, Eq)]
pub struct Link(String);

impl Link {
    /// A link that is this URL.
    pub fn new(url: String) -> Self {
        Self(url)
    }

    /// The whole URL.
    pub fn url(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.split('?').next().unwrap_or_default();
        write!(f, "Link({shown}?...)")
    }
}
