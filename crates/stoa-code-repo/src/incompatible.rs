//! Which versions may be `+incompatible`.

use std::collections::HashMap;

use stoa_module::semver;
use stoa_vcs::{RevisionId, VcsError};

use crate::{CodeRepo, layout::without_incompatible};

/// Answers, for one commit and one question, whether a version v2 or above may stand for it although the module path
/// does not say so (`canUseIncompatible` of cmd/go).
///
/// # Deviation
///
/// A go.mod that could not be read counts as absent in cmd/go. A proxy keeps what it answers, so here that is an error.
pub(crate) struct Incompatible<'a> {
    repo: &'a CodeRepo,
    at: &'a RevisionId,
    /// The question asks for an `+incompatible` version: then folders of major versions do not count
    /// (golang.org/issue/51324).
    explicit: bool,
    root: Option<bool>,
    majors: HashMap<String, bool>,
}

impl<'a> Incompatible<'a> {
    pub(crate) fn new(repo: &'a CodeRepo, at: &'a RevisionId, asked: &str) -> Self {
        Self {
            repo,
            at,
            explicit: without_incompatible(asked) != asked,
            root: None,
            majors: HashMap::new(),
        }
    }

    /// Whether any version may be: the module is the root of its repository, without a go.mod there.
    pub(crate) async fn root(&mut self) -> Result<bool, VcsError> {
        let layout = &self.repo.layout;
        if !layout.dir.is_empty() || !layout.major().is_empty() {
            return Ok(false);
        }
        if let Some(known) = self.root {
            return Ok(known);
        }
        let allowed = !self.exists("go.mod").await?;
        self.root = Some(allowed);
        Ok(allowed)
    }

    /// Whether `version` may be.
    pub(crate) async fn version(&mut self, version: &str) -> Result<bool, VcsError> {
        if !self.root().await? {
            return Ok(false);
        }
        let major = semver::major(version).unwrap_or_default();
        if self.explicit || major.is_empty() {
            return Ok(true);
        }
        if let Some(known) = self.majors.get(major) {
            return Ok(*known);
        }
        let allowed = !self.exists(&format!("{major}/go.mod")).await?;
        self.majors.insert(major.to_owned(), allowed);
        Ok(allowed)
    }

    /// Whether `version` is known not to be; no file is read for that.
    pub(crate) fn is_denied(&self, version: &str) -> bool {
        let major = semver::major(version).unwrap_or_default();
        self.root != Some(true) || self.majors.get(major) == Some(&false)
    }

    async fn exists(&self, path: &str) -> Result<bool, VcsError> {
        let limit = self.repo.limits.go_mod;
        match self.repo.source.file(self.at, path, limit).await {
            Ok(content) => Ok(content.is_some()),
            Err(VcsError::TooLarge { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }
}
