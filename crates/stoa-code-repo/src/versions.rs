//! The versions of a module.

use stoa_module::{Origin, Version};

/// The versions that a module has tags for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// In the order of versions, `+incompatible` ones behind all others. None is a pseudo-version, none is twice.
    pub list: Vec<Version>,
    /// Which tags decided. `None` if the module cannot have any.
    pub origin: Option<Origin>,
}
