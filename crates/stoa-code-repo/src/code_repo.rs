//! One module in one repository.

use std::{fmt, sync::Arc};

use stoa_module::{ModulePath, Origin};
use stoa_vcs::{Repository, Revision};

use crate::{
    CodeLimits, CodeRepoError, CodeRepoReason, CompressedContents, KnownAnswers,
    answers::Answers,
    contents::{RepositoryKey, repository_key},
    layout::Layout,
    origin::origin_of_repository,
    source::Source,
};

/// One module in one repository.
///
/// It remembers the last few answers for as long as [`CodeLimits::remember`] says, so that the questions about one
/// version share what they found.
#[derive(Debug)]
pub struct CodeRepo {
    pub(crate) source: Source,
    pub(crate) layout: Layout,
    pub(crate) limits: CodeLimits,
    pub(crate) contents: Arc<CompressedContents>,
    pub(crate) repository_key: RepositoryKey,
    pub(crate) answers: Answers,
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
        let known = Arc::new(KnownAnswers::new(limits.answers));
        let answers = Answers::of_new_owner(known, &limits);
        Ok(Self {
            layout: Layout::new(code_root, subdir, module)?,
            repository_key: repository_key(&*code, ""),
            contents: Arc::new(CompressedContents::new(limits.contents)),
            source: Source::new(code, answers.clone()),
            answers,
            limits,
        })
    }

    /// Keeps what it compressed in `contents`, which others share, and not in a place of its own.
    #[must_use]
    pub fn with_contents(mut self, contents: Arc<CompressedContents>) -> Self {
        self.contents = contents;
        self
    }

    /// Shares what it compressed only with those of the same audience: not all who read the repository at a URL may have
    /// the same credentials.
    #[must_use]
    pub fn for_audience(mut self, audience: &str) -> Self {
        self.repository_key = repository_key(&*self.source.code, audience);
        self
    }

    /// Remembers answers in `known`, whose room others share, and not in a place of its own.
    #[must_use]
    pub fn with_answers(mut self, known: Arc<KnownAnswers>) -> Self {
        self.answers = Answers::of_new_owner(known, &self.limits);
        self.source.answers = self.answers.clone();
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

    /// The commit of a query.
    pub(crate) async fn revision(&self, query: &str) -> Result<Arc<Revision>, CodeRepoError> {
        let found = self.source.stat(&self.layout.revision(query)).await;
        found.map_err(|error| self.at_query(query, error))
    }

    /// The origin of an answer that no single commit decided.
    pub(crate) fn origin(&self) -> Origin {
        origin_of_repository(&*self.source.code, &self.layout.dir)
    }

    /// An error about a query or version, or about the module if the query is empty.
    pub(crate) fn at_query(&self, query: &str, reason: impl Into<CodeRepoReason>) -> CodeRepoError {
        if query.is_empty() {
            CodeRepoError::of_module(self.module().clone(), reason)
        } else {
            CodeRepoError::of_version(self.module().clone(), query, reason)
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
