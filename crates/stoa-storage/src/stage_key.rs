//! What a file on its way is to become.

use std::fmt;

use stoa_module::ModuleVersion;

use crate::key::{FileKey, FileKind};
use crate::record_name::RecordName;

/// What a stage has to publish its file under. Prints as the place in the layout.
#[derive(Clone, Debug)]
pub(crate) enum StageKey {
    /// A file of a module.
    Module(FileKey),
    /// A file beside the modules.
    Artifact(RecordName),
}

impl StageKey {
    /// The module version whose zip it is: only that has a hash.
    pub(crate) fn zip(&self) -> Option<&ModuleVersion> {
        match self {
            Self::Module(FileKey {
                target,
                kind: FileKind::Zip,
            }) => Some(target),
            Self::Module(_) | Self::Artifact(_) => None,
        }
    }
}

impl From<FileKey> for StageKey {
    fn from(key: FileKey) -> Self {
        Self::Module(key)
    }
}

impl From<RecordName> for StageKey {
    fn from(name: RecordName) -> Self {
        Self::Artifact(name)
    }
}

impl fmt::Display for StageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(key) => key.fmt(f),
            Self::Artifact(name) => name.fmt(f),
        }
    }
}
