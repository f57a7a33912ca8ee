//! Where something was said to be, and where it is asked for.

use url::Url;

use super::{Alias, Trust};

/// A place that discovery has found, with what may be used there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Where it is said to be: what clients see, and the `Origin` of what is found there.
    pub named: Url,
    /// Where it is asked for: the same, rewritten as the configuration says. It may have a user.
    pub asked: Url,
    /// What may be used for it.
    pub trust: Trust,
}

impl Address {
    /// A place that nothing rewrites, of which nobody knows but strangers.
    pub fn of_stranger(url: Url) -> Self {
        Self {
            named: url.clone(),
            asked: url,
            trust: Trust::Stranger,
        }
    }

    /// What it was before it was rewritten; `None` if it was not.
    pub(crate) fn alias(&self) -> Option<Alias> {
        Alias::new(&self.named, &self.asked)
    }

    /// A name of the place, and of all that may be used there: handles with the same one may share what they know.
    pub(crate) fn key(&self) -> String {
        // No URL has a space.
        format!("{} {} {}", self.trust, self.asked, self.named)
    }
}
