//! What is remembered here of a version that is kept there.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use stoa_module::ModuleVersion;
use stoa_module::dirhash::H1;

use crate::error::StorageError;
use crate::key::FileKind;
use crate::record_name::RecordName;
use crate::records::Records;

/// What the protocol has no place for: the hash of a zip, the sizes, and when this process saved it.
///
/// It says what was saved once. That the remote still has this is only believed of a zip of the same length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Saved {
    pub(super) h1: Option<H1>,
    /// Of the `.info`, the `.mod` and the `.zip`.
    pub(super) lens: [u64; 3],
    pub(super) at: SystemTime,
}

#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    h1: Option<String>,
    lens: [u64; 3],
    at: u64,
}

impl Saved {
    /// The size of one of the files in bytes.
    pub(super) fn len(&self, kind: FileKind) -> u64 {
        self.lens[kind as usize]
    }

    /// What is remembered of `target`; nothing if that cannot be read.
    pub(super) async fn read(
        records: &Arc<dyn Records>,
        target: &ModuleVersion,
    ) -> Result<Option<Self>, StorageError> {
        let Some(name) = name(target) else {
            return Ok(None);
        };
        let text = records.read(&name).await?;
        Ok(text.and_then(|text| Self::parse(&text)))
    }

    /// Remembers this of `target`. A name too long for a record is not remembered: then the zip has no hash.
    pub(super) async fn write(
        self,
        records: &Arc<dyn Records>,
        target: &ModuleVersion,
    ) -> Result<(), StorageError> {
        let since = self.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let written = Written {
            h1: self.h1.map(|h1| h1.to_string()),
            lens: self.lens,
            at: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        };
        let text = serde_json::to_vec(&written).unwrap_or_default();
        match name(target) {
            Some(name) => records.write(&name, text.into()).await,
            None => Ok(()),
        }
    }

    /// Forgets what is remembered of `target`.
    pub(super) async fn forget(
        records: &Arc<dyn Records>,
        target: &ModuleVersion,
    ) -> Result<(), StorageError> {
        let Some(name) = name(target) else {
            return Ok(());
        };
        match records.read(&name).await? {
            Some(text) if !text.is_empty() => records.write(&name, Bytes::new()).await,
            _ => Ok(()),
        }
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let written: Written = serde_json::from_slice(text).ok()?;
        Some(Self {
            h1: written.h1.and_then(|text| text.parse().ok()),
            lens: written.lens,
            at: UNIX_EPOCH.checked_add(Duration::from_millis(written.at))?,
        })
    }
}

fn name(target: &ModuleVersion) -> Option<RecordName> {
    let (module, version) = (target.path().escaped(), target.version().escaped());
    format!("external/{module}/@v/{version}").parse().ok()
}
