//! The guard of each trust.

use super::{Trust, UrlGuard};

/// Two guards: for what is trusted, which lets the hosts pass that the configuration names, and for strangers, which does
/// not know them.
#[derive(Clone, Debug)]
pub struct Guards {
    trusted: UrlGuard,
    strangers: UrlGuard,
}

impl Guards {
    /// Both, of a guard that knows the hosts which the configuration names.
    pub fn new(trusted: UrlGuard) -> Self {
        let strangers = trusted.without_names();
        Self { trusted, strangers }
    }

    /// The guard that URLs have to pass.
    pub fn of(&self, trust: Trust) -> &UrlGuard {
        match trust {
            Trust::Stranger => &self.strangers,
            Trust::Placed | Trust::Named => &self.trusted,
        }
    }
}
