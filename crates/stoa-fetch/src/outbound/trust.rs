//! What a request may use.

use std::fmt;

/// What a request may use because of the module that it is for, and of who said where that module is.
///
/// Trust follows the module, not the URL: what a stranger can name (a module path, a page of a host of his own, a
/// redirect) opens nothing, even where it is spelled as something that the configuration speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trust {
    /// No credential, and public addresses only.
    Stranger,
    /// No credential. The configuration says where the module's own host is, so that this may be a private address.
    Placed,
    /// Credentials, and private addresses of hosts that the configuration names: it names the module, too, and the
    /// address comes from the configuration, from the module's path, or from a page of the module's own host.
    Named,
}

impl Trust {
    /// Whether what is configured to be presented at a URL may be presented.
    pub fn has_credentials(self) -> bool {
        self == Self::Named
    }

    /// The name of those who may read the same of one URL. What one of them read is never kept for another.
    pub(crate) fn audience(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::Placed => "placed",
            Self::Named => "",
        }
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stranger => "stranger",
            Self::Placed => "placed",
            Self::Named => "named",
        })
    }
}
