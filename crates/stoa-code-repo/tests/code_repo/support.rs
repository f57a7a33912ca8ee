//! Repositories for tests.

pub(crate) mod memory_archive;
pub(crate) mod memory_repo;
pub(crate) mod slow_git;

use std::sync::Arc;

use stoa_code_repo::{CodeLimits, CodeRepo};
use stoa_module::ModulePath;
use stoa_vcs::Repository;

/// Where the repositories of a test are opened: the one place to change for another adapter.
pub(crate) trait Repositories {
    /// The repository at a URL. Failures come with the first question.
    fn open(&self, url: &str) -> Arc<dyn Repository>;
}

/// A module in a repository, with limits that suit tests: nothing is remembered.
pub(crate) fn code_repo(code: Arc<dyn Repository>, root: &str, subdir: &str, module: &str) -> CodeRepo {
    let limits = CodeLimits {
        remember: std::time::Duration::ZERO,
        ..CodeLimits::default()
    };
    CodeRepo::new(code, root, subdir, ModulePath::parse(module).unwrap(), limits).unwrap()
}
