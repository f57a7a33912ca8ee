//! How repositories of a system are made.

use std::path::Path;
use std::sync::Arc;

use super::Abilities;
use crate::cache::Cache;
use crate::{Repository, RepositoryOptions, VcsError, VcsKind};

/// A change of the repository that the suite fetches from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// Makes the repository, with a working tree.
    Create,
    /// Commits everything that is in the working tree, also what was removed from it.
    Commit {
        /// When, in seconds since 1970. The program is to be told another time zone than UTC, if it takes one.
        at: u64,
    },
    /// Tags the last commit.
    Tag {
        /// The tag.
        name: &'a str,
    },
    /// Begins a branch at the last commit: the commits that follow are on it alone.
    Branch {
        /// The branch.
        name: &'a str,
    },
    /// Takes the last commit away, as if it had never been, with the tags on it; the working tree is as before it.
    Undo,
}

/// A version control system as the suite uses it. Its test implements this.
pub trait Scenario: Send + Sync {
    /// Which system.
    fn vcs(&self) -> VcsKind;

    /// What it can do.
    fn abilities(&self) -> Abilities;

    /// [`reference`](crate::Revision::reference) of the newest commit.
    fn latest_reference(&self) -> &'static str;

    /// The shell commands of a change. They run in the folder [`repo`](super::Workspace::repo), and the last line that
    /// those of [`Change::Commit`] print is the id of the commit.
    fn commands(&self, change: Change<'_>) -> String;

    /// The working tree, below the folder in which the commands run.
    fn tree(&self) -> &'static str;

    /// The address of the repository that was made in the folder `repo`. Called once for each.
    fn url(&self, repo: &Path) -> String;

    /// An address at which nothing listens.
    fn dead_url(&self) -> String {
        "http://127.0.0.1:1/r".to_owned()
    }

    /// A handle. An adapter with options of its own takes from `options` what it has, too.
    ///
    /// # Errors
    /// What the adapter says of the address.
    fn open(
        &self,
        url: &str,
        cache: Arc<Cache>,
        options: RepositoryOptions,
    ) -> Result<Arc<dyn Repository>, VcsError>;

    /// A shell condition on the arguments of the system's program: true for runs that only prepare a fetch on this machine.
    /// Programs that stand for the system's own let such runs pass.
    fn is_preparation(&self) -> &'static str {
        "false"
    }

    /// Strings that the system's program would take for revisions or options; the adapter must not.
    fn hostile_revisions(&self, url: &str) -> Vec<String> {
        let _ = url;
        Vec::new()
    }

    /// Paths that the system's program would take for something else than a file below the root.
    fn hostile_paths(&self, url: &str) -> Vec<String> {
        let _ = url;
        Vec::new()
    }

    /// Files that the system itself adds to archives.
    fn own_files(&self) -> &'static [&'static str] {
        &[]
    }
}
