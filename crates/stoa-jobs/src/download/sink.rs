//! The port to where finished downloads go.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;

use super::partial::Partial;
use crate::JobId;

/// The name of a job's file in every sink, and the path of it under the base of download URLs: `ABC/ABCDEFGHIJKLMN`.
pub fn object_name(id: &JobId) -> String {
    // An id is fourteen ASCII characters.
    let (prefix, _) = id.as_str().split_at(3);
    format!("{prefix}/{id}")
}

/// A file that is whole and on the disk. As long as a clone of it is there, no run of any job writes to the file or removes it.
#[derive(Clone, Debug)]
pub struct FinishedFile {
    path: PathBuf,
    owner: Option<Arc<Partial>>,
}

impl FinishedFile {
    /// The file at a path, which its owner leaves alone.
    pub fn new(path: PathBuf) -> Self {
        Self { path, owner: None }
    }

    /// The file that a run has downloaded.
    pub(super) fn of_run(mut partial: Partial) -> Self {
        partial.about_to_be_published();
        Self {
            path: partial.path().to_owned(),
            owner: Some(Arc::new(partial)),
        }
    }

    /// What the run had, unless another clone is there.
    pub(super) fn into_partial(self) -> Option<Partial> {
        self.owner.and_then(Arc::into_inner)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What is known of a file that is to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMeta {
    /// Its SHA-256 in lower-case hexadecimal digits.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
    /// The type of its content.
    pub content_type: String,
}

/// What happens to other content that has the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and publishing fails with [`SinkError::Conflict`].
    Stays,
    /// It is replaced.
    IsReplaced,
}

/// A file could not be published.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The name has other content.
    #[error("other content has been published under this id")]
    Conflict,
    /// A disk of this node failed or is full.
    #[error("the file could not be published: {0}")]
    Local(#[from] io::Error),
    /// A store elsewhere is away, or does not take the file now. The text holds no secrets.
    #[error("the store of files does not take the file: {0}")]
    Away(String),
}

/// Keeps finished downloads, under the ids of their jobs.
///
/// # Contract
/// * A reader finds a file whole or not at all, also after a crash, and a published file is on the disk when the call returns.
/// * Content of the same digest under the same id is published already: that is a success. Other content is a conflict, or is
///   replaced at once, so that a reader finds the one or the other.
/// * The sink may take the file at its path away, or leave it for the caller to remove. It holds the [`FinishedFile`] for as
///   long as it touches the path, also where the work goes on after the future was dropped.
/// * The future may be dropped at any await: the file is then published or not, and nothing else is left that stays for ever.
#[async_trait]
pub trait Sink: fmt::Debug + Send + Sync + 'static {
    /// Publishes the file of a job, which is synced, and returns where it is.
    async fn publish(
        &self,
        file: FinishedFile,
        id: &JobId,
        meta: &FileMeta,
        existing: Existing,
    ) -> Result<String, SinkError>;
}
