//! Whether a service heeds "if there is none".

use std::fmt;
use std::str::FromStr;

use object_store::UpdateVersion;

/// Whether writes rely on conditions that the service heeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conditional {
    /// It is tried: an object is written twice under the condition that there is none.
    #[default]
    Auto,
    /// The service heeds them; nothing is tried.
    Yes,
    /// It does not: a look before each write has to do.
    No,
}

/// What a service has been found to heed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Conditions {
    /// "If there is none", of a write.
    pub(super) create: bool,
    /// "If it is still this one", of a write.
    pub(super) update: Update,
}

/// How a service is told which object a write is to replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Update {
    /// By its entity tag, as it was told.
    Tag,
    /// By its entity tag without the quotes around it. Ceph 16 and 17 compare the text between them with all of the header.
    BareTag,
    /// Not at all.
    Never,
}

impl Conditional {
    /// What it heeds, if that need not be tried.
    pub(super) fn known(self) -> Option<Conditions> {
        let (create, update) = match self {
            Self::Auto => return None,
            Self::Yes => (true, Update::Tag),
            Self::No => (false, Update::Never),
        };
        Some(Conditions { create, update })
    }
}

impl Update {
    /// What names the writing that a write is to replace; `None` where nothing can.
    pub(super) fn version(self, e_tag: Option<&str>, version: Option<&str>) -> Option<UpdateVersion> {
        let e_tag = match self {
            Self::Tag => e_tag,
            Self::BareTag => e_tag.map(|tag| tag.trim_matches('"')),
            Self::Never => return None,
        };
        Some(UpdateVersion {
            e_tag: e_tag.map(str::to_owned),
            version: version.map(str::to_owned),
        })
    }
}

impl FromStr for Conditional {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "yes" => Ok(Self::Yes),
            "no" => Ok(Self::No),
            _ => Err("it is auto, yes or no"),
        }
    }
}

impl fmt::Display for Conditional {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Yes => "yes",
            Self::No => "no",
        })
    }
}
