//! What a database says of a module version.

use std::fmt;

use stoa_module::ModuleVersion;
use stoa_module::dirhash::H1;

use crate::tlog::RecordText;

/// Which of a module's files a hash is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SumFile {
    /// The zip: everything in the module.
    Zip,
    /// The go.mod file alone.
    GoMod,
}

impl SumFile {
    /// What the version of the file has behind it in go.sum lines.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Zip => "",
            Self::GoMod => "/go.mod",
        }
    }
}

impl fmt::Display for SumFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zip => "module",
            Self::GoMod => "go.mod",
        })
    }
}

/// The go.sum lines of a module version, from a record that its log vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleSums {
    module: ModuleVersion,
    lines: Vec<Box<str>>,
}

impl ModuleSums {
    /// The lines of a record that are the module's; `None` if it has none.
    pub(super) fn find(module: &ModuleVersion, record: &RecordText) -> Option<Self> {
        let prefixes = [SumFile::Zip, SumFile::GoMod].map(|file| prefix(module, file));
        let lines: Vec<Box<str>> = record
            .as_str()
            .lines()
            .filter(|line| prefixes.iter().any(|prefix| line.starts_with(prefix)))
            .map(Into::into)
            .collect();
        (!lines.is_empty()).then(|| Self {
            module: module.clone(),
            lines,
        })
    }

    /// The module version.
    pub fn module(&self) -> &ModuleVersion {
        &self.module
    }

    /// The go.sum lines of the module version, without newlines (`Client.Lookup`).
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(AsRef::as_ref)
    }

    /// The hash of a file as it was recorded, as `h1:...`. Hashes of kinds to come are passed over.
    pub fn recorded(&self, file: SumFile) -> Option<&str> {
        let prefix = prefix(&self.module, file);
        self.lines()
            .filter_map(|line| line.strip_prefix(&prefix))
            .find(|hash| hash.starts_with("h1:"))
    }

    /// Checks a file against its record (`modfetch.checkSumDB`).
    ///
    /// # Errors
    ///
    /// [`SumError`] if the record has another hash of it, or none.
    pub fn check(&self, file: SumFile, found: H1) -> Result<(), SumError> {
        let module = || Box::new(self.module.clone());
        match self.recorded(file) {
            Some(recorded) if recorded == found.to_string() => Ok(()),
            Some(recorded) => Err(SumError::Mismatch {
                module: module(),
                file,
                recorded: recorded.into(),
                found,
            }),
            None => Err(SumError::Missing {
                module: module(),
                file,
            }),
        }
    }
}

fn prefix(module: &ModuleVersion, file: SumFile) -> String {
    format!("{} {}{} ", module.path(), module.version(), file.suffix())
}

/// A file that is not the one the database recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SumError {
    /// The file has another hash: it, or what the database once saw, was changed.
    #[error("{module}: checksum mismatch of the {file}: found {found}, the checksum database has {recorded}")]
    Mismatch {
        /// The module version.
        module: Box<ModuleVersion>,
        /// Which of its files.
        file: SumFile,
        /// What the database has.
        recorded: Box<str>,
        /// What was found.
        found: H1,
    },
    /// The record has no hash of the file.
    #[error("{module}: the checksum database has no checksum of the {file}")]
    Missing {
        /// The module version.
        module: Box<ModuleVersion>,
        /// Which of its files.
        file: SumFile,
    },
}
