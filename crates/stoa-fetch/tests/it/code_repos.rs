//! The repositories in memory of `stoa-code-repo`'s tests.

#[path = "../../../stoa-code-repo/tests/code_repo/support/memory_archive.rs"]
pub(crate) mod memory_archive;
#[path = "../../../stoa-code-repo/tests/code_repo/support/memory_repo.rs"]
#[expect(dead_code, reason = "the tests of stoa-code-repo use the rest")]
pub(crate) mod memory_repo;

use std::sync::Arc;

use stoa_code_repo::{CodeLimits, CodeRepo};
use stoa_module::ModulePath;
use stoa_vcs::Repository;

/// A module in a repository, of which nothing is remembered.
pub(crate) fn code_repo(code: Arc<dyn Repository>, root: &str, subdir: &str, module: &str) -> CodeRepo {
    let limits = CodeLimits {
        remember: std::time::Duration::ZERO,
        ..CodeLimits::default()
    };
    CodeRepo::new(code, root, subdir, ModulePath::parse(module).unwrap(), limits).unwrap()
}
