//! What a file is held against.

use std::sync::Arc;

use stoa_fetch::SourceName;
use stoa_module::dirhash::H1;
use stoa_sumdb::{KeyName, ModuleSums, SumFile};

use super::{ChecksumError, SumWatch, Verification};
use crate::ProxyError;

/// What a file of one module version is held against before it is stored.
#[derive(Clone, Debug, Default)]
pub struct Expected(Option<Recorded>);

#[derive(Clone, Debug)]
struct Recorded {
    database: KeyName,
    sums: Arc<ModuleSums>,
    watch: Arc<dyn SumWatch>,
}

impl Expected {
    /// Nothing: whatever comes is taken.
    pub fn anything() -> Self {
        Self(None)
    }

    /// Whether anything is held against the files.
    pub(crate) fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// The database that the files are held against.
    pub(crate) fn database(&self) -> Option<&KeyName> {
        self.0.as_ref().map(|recorded| &recorded.database)
    }

    /// What the database recorded.
    pub(super) fn recorded(database: KeyName, sums: Arc<ModuleSums>, watch: Arc<dyn SumWatch>) -> Self {
        Self(Some(Recorded {
            database,
            sums,
            watch,
        }))
    }

    /// Checks a file that `source_name` sent.
    ///
    /// # Errors
    /// [`ChecksumError::Mismatch`] if something else was recorded, or nothing.
    pub(crate) fn check(&self, file: SumFile, found: H1, source_name: &SourceName) -> Result<(), ProxyError> {
        let Some(recorded) = &self.0 else { return Ok(()) };
        let checked = recorded.sums.check(file, found);
        recorded.watch.verified(match &checked {
            Ok(()) => Verification::Verified,
            Err(_) => Verification::Mismatch,
        });
        checked.map_err(|error| {
            let (database, error) = (recorded.database.clone(), Arc::new(error));
            let source_name = source_name.clone();
            ChecksumError::Mismatch {
                source_name,
                database,
                error,
            }
            .into()
        })
    }
}
