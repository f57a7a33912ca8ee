//! The repository that the suite fetches from.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Change, Scenario, Workspace};
use crate::{Repository, RepositoryOptions, RevisionId};

/// A repository in a workspace of its own.
pub(super) struct Origin<'a> {
    pub(super) scenario: &'a dyn Scenario,
    pub(super) work: Workspace,
    pub(super) url: String,
}

impl<'a> Origin<'a> {
    /// One without commits of the suite.
    pub(super) fn new(scenario: &'a dyn Scenario) -> Self {
        let work = Workspace::new();
        let url = scenario.url(&work.repo());
        let origin = Self { scenario, work, url };
        origin.change(Change::Create);
        origin
    }

    /// Makes a change, and gives the last line that its commands print.
    pub(super) fn change(&self, change: Change<'_>) -> String {
        let printed = self.work.script(&self.scenario.commands(change));
        printed.lines().last().unwrap_or_default().trim().to_owned()
    }

    /// Commits what is in the working tree.
    pub(super) fn commit(&self, at: u64) -> RevisionId {
        let id = self.change(Change::Commit { at });
        RevisionId::new(id.as_str()).unwrap_or_else(|| panic!("a commit is called {id:?}"))
    }

    /// A path in the working tree.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.work.repo().join(self.scenario.tree()).join(name)
    }

    /// Writes a file of the working tree.
    pub(super) fn write(&self, name: &str, content: &str) {
        let path = self.file(name);
        let folder = path.parent().expect("a folder");
        std::fs::create_dir_all(folder).expect("the folder is made");
        std::fs::write(path, content).expect("the file is written");
    }

    /// A handle that asks the repository at every question.
    pub(super) fn open(&self) -> Arc<dyn Repository> {
        self.open_with(self.work.options())
    }

    /// A handle that asks the repository once.
    pub(super) fn open_once(&self) -> Arc<dyn Repository> {
        let mut options = self.work.options();
        options.freshness = Duration::from_secs(600);
        self.open_with(options)
    }

    /// A handle with these options.
    pub(super) fn open_with(&self, options: RepositoryOptions) -> Arc<dyn Repository> {
        let opened = self.scenario.open(&self.url, self.work.cache(), options);
        opened.expect("the address is allowed")
    }
}

/// The id of a commit that no repository of the suite has.
pub(super) fn unknown_id(scenario: &dyn Scenario) -> RevisionId {
    let id = if scenario.abilities().hashes.is_there() {
        "1".repeat(40)
    } else {
        "999".to_owned()
    };
    RevisionId::new(id).expect("an id")
}
