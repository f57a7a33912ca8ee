//! Modules in repositories: from commits, tags and go.mod files to versions.
//!
//! A [`CodeRepo`] is one module in one [`Repository`], and answers what the go command asks in
//! direct mode (`codeRepo` of `cmd/go/internal/modfetch`): which versions there are, which version a tag, branch or
//! hash is, the go.mod of a version and its zip. A [`DirectModule`] gives the same answers as a
//! [`Fetcher`](crate::Fetcher).
//!
//! ```text
//! layout        where the module is, by its path             find_dir   where its go.mod is, in a commit
//! versions      tags -> list, +incompatible, retractions     latest     list -> version, or the newest commit
//! convert       commit -> version                            validate   pseudo-version against commit
//! module_zip    archive -> spool -> zip                      origin     what the answer depends on
//! ```
//!
//! Errors are told apart by [`CodeMeaning`]: only what cmd/go calls "not exist" is one. The answers do not depend on one
//! another: a version whose files make no zip has an `.info` and a `.mod`.
//!
//! # Deviation
//!
//! * A commit is looked at by its id once it is found, where cmd/go looks for the string of each version anew; so a
//!   branch that is named like a hash never stands in for a commit half way.
//! * The `.mod` and `.zip` of a version need a tag of its name; for cmd/go, which has asked for `.info` before, a branch
//!   would do.
//! * Files that cannot be read are errors, and not absent.
//! * A go.mod that wants a later version of Go than there is does not keep the zip from being made.
//! * The base of a pseudo-version is the highest one of the whole history. cmd/go settles for one of the commit's own
//!   tags while its clone is shallow, so that its answer depends on what it was asked before.
//! * Tags like `sub/v0.0.0-20240102030405-abcdef123456` are no versions of the module `sub` either.

mod answer;
mod contents;
mod convert;
mod entries;
mod error;
mod find_dir;
mod incompatible;
mod info;
mod json;
mod latest;
mod layout;
mod limits;
mod memory;
mod module_zip;
mod origin;
mod pack;
mod source;
mod spool;
mod validate;
mod versions;
mod workers;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use stoa_module::{
    ModulePath, Version,
    modfile::{self, Retract},
};
use stoa_vcs::{Repository, Revision};

pub use answer::DirectModule;
pub use contents::CompressedContents;
pub use error::{CodeFault, CodeMeaning, CodeRepoError, PseudoFault};
pub use info::Info;
pub use limits::CodeLimits;
pub use module_zip::ModuleZip;
pub use origin::Origin;
pub use versions::Versions;

use self::{
    contents::{RepositoryKey, repository_key},
    convert::Conversion,
    find_dir::ModuleDir,
    layout::Layout,
    memory::Memory,
    source::Source,
};

/// One module in one repository.
///
/// It remembers the last few answers for as long as [`CodeLimits::remember`] says, so that the questions about one
/// version share what they found.
#[derive(Debug)]
pub struct CodeRepo {
    source: Source,
    layout: Layout,
    limits: CodeLimits,
    contents: Arc<CompressedContents>,
    repository_key: RepositoryKey,
    known_infos: Memory<String, Info>,
    known_versions: Memory<(), Arc<Versions>>,
    known_retractions: Memory<(), Arc<Vec<Retract>>>,
}

impl CodeRepo {
    /// The module `module` in `code`, whose root has the import path `code_root`. `subdir`, the fourth field of a
    /// go-import page, is the folder that counts as the root; empty for the root itself.
    ///
    /// # Errors
    ///
    /// When the repository cannot hold the module: its root is no prefix of the path, or the subdirectory is outside.
    pub fn new(
        code: Arc<dyn Repository>,
        code_root: &str,
        subdir: &str,
        module: ModulePath,
        limits: CodeLimits,
    ) -> Result<Self, CodeRepoError> {
        let remember = limits.remember;
        Ok(Self {
            layout: Layout::new(code_root, subdir, module)?,
            repository_key: repository_key(&*code),
            contents: Arc::new(CompressedContents::new(limits.contents)),
            source: Source::new(code, remember),
            known_infos: Memory::new(64, Some(remember)),
            known_versions: Memory::new(1, Some(remember)),
            known_retractions: Memory::new(1, Some(remember)),
            limits,
        })
    }

    /// Keeps what it compressed in `contents`, which others share, and not in a place of its own.
    #[must_use]
    pub fn with_contents(mut self, contents: Arc<CompressedContents>) -> Self {
        self.contents = contents;
        self
    }

    /// The module.
    pub fn module(&self) -> &ModulePath {
        &self.layout.module
    }

    /// The repository.
    pub fn repository(&self) -> &Arc<dyn Repository> {
        &self.source.code
    }

    /// The version that a query is: a version, `v1`, a tag, a branch, a hash, `HEAD`; or `latest`, which is the newest
    /// commit (`Stat` of cmd/go).
    pub async fn stat(&self, query: &str) -> Result<Info, CodeRepoError> {
        if query == "latest" {
            return self.newest_commit().await;
        }
        if let Some(known) = self.known_infos.get(query) {
            return Ok(known);
        }
        let revision = self.revision(query).await?;
        let info = Conversion::new(self, &revision, query).info().await?;
        self.known_infos.put(query.to_owned(), info.clone());
        Ok(info)
    }

    /// The go.mod of a version, byte for byte, or the one that stands in where a module of old has none.
    pub async fn go_mod(&self, version: &Version) -> Result<Bytes, CodeRepoError> {
        self.validate(version).await?;
        self.tagged_go_mod(version).await
    }

    /// The go.mod of a version that is known to be one.
    async fn tagged_go_mod(&self, version: &Version) -> Result<Bytes, CodeRepoError> {
        let (_, dir) = self.module_dir(version).await?;
        Ok(dir.go_mod.unwrap_or_else(|| {
            let path = modfile::auto_quote(self.module().as_str());
            format!("module {path}\n").into()
        }))
    }

    /// Refuses a version that is none: a pseudo-version that contradicts its commit, a version that is no tag.
    async fn validate(&self, version: &Version) -> Result<(), CodeRepoError> {
        let is_tag = !version.is_pseudo() && {
            let revision = self.revision(version.as_str()).await?;
            revision.version == self.layout.revision(version.as_str())
        };
        if !is_tag {
            self.stat(version.as_str()).await?;
        }
        Ok(())
    }

    /// The commit of a version, and where the module is in it.
    async fn module_dir(&self, version: &Version) -> Result<(Arc<Revision>, ModuleDir), CodeRepoError> {
        let text = version.as_str();
        let revision = self.revision(text).await?;
        let name = self.layout.revision(text);
        let dir = self.find_dir(&revision.id, &name, text).await;
        let dir = dir.map_err(|fault| self.at_query(text, fault))?;
        Ok((revision, dir))
    }

    async fn revision(&self, query: &str) -> Result<Arc<Revision>, CodeRepoError> {
        let found = self.source.stat(&self.layout.revision(query)).await;
        found.map_err(|error| self.at_query(query, error))
    }

    /// The origin of an answer that no single commit decided.
    fn origin(&self) -> Origin {
        Origin::of_repository(&*self.source.code, &self.layout.dir)
    }

    /// A fault of a query or version, or of the module if there was none.
    fn at_query(&self, query: &str, fault: impl Into<CodeFault>) -> CodeRepoError {
        if query.is_empty() {
            CodeRepoError::of_module(self.module().clone(), fault)
        } else {
            CodeRepoError::of_version(self.module().clone(), query, fault)
        }
    }
}

/// Prints the module, the system and where the repository is.
impl fmt::Display for CodeRepo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = &self.source.code;
        write!(f, "{} in {} {}", self.layout.module, code.vcs(), code.url())
    }
}
