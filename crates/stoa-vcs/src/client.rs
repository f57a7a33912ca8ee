//! What the adapters of hg, svn, bzr and fossil have in common.

use std::path::Path;
use std::sync::Arc;

use crate::address::check_url;
use crate::process::{Call, Counters, Output, Runner};
use crate::quota::Quota;
use crate::{RepositoryOptions, Step, VcsError, VcsKind, session};

/// The program of a system, as it is asked about one repository.
#[derive(Debug)]
pub(crate) struct Client {
    url: String,
    runner: Runner,
    options: RepositoryOptions,
}

impl Client {
    /// The program of `vcs` for the repository at `url`, which is checked. Nothing runs yet.
    pub(crate) fn new(vcs: VcsKind, url: &str, options: RepositoryOptions) -> Result<Self, VcsError> {
        check_url(vcs, url, &options)?;
        Ok(Self {
            url: url.to_owned(),
            runner: Runner::new(vcs, vcs.as_str(), options.runner.clone()),
            options,
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn runner(&self) -> &Runner {
        &self.runner
    }

    pub(crate) fn options(&self) -> &RepositoryOptions {
        &self.options
    }

    /// Where its runs are counted.
    pub(crate) fn counters(&self) -> &Arc<Counters> {
        self.runner.counters()
    }

    /// A run that asks something short.
    pub(crate) fn call(&self, kind: &'static str, step: Step) -> Call {
        self.runner.call(kind, step).time(self.options.question_time)
    }

    /// A run that goes to the server, with what lets it in and out; before the arguments of its command.
    pub(crate) async fn remote(&self, call: Call) -> Result<Call, VcsError> {
        session::remote(self.runner.vcs(), call, &self.url, &self.options).await
    }

    /// Runs what fetches into `folder`, with the time for it, and stops it when the folder becomes too large.
    pub(crate) async fn fetch(&self, call: Call, folder: &Path) -> Result<Output, VcsError> {
        let quota = Quota {
            vcs: self.runner.vcs(),
            step: Step::Access,
            folder: folder.to_owned(),
            limit: self.options.copy_limit,
        };
        quota.run(call.time(self.options.fetch_time)).await
    }

    /// As [`Self::fetch`], and an exit code but 0 is an error.
    pub(crate) async fn fetch_all(&self, call: Call, folder: &Path) -> Result<(), VcsError> {
        let output = self.fetch(call, folder).await?;
        match output.code {
            Some(0) => Ok(()),
            _ => Err(self.failed(Step::Access, &output)),
        }
    }

    /// Gives `call` the time of an archive; how much it prints is for who reads it.
    pub(crate) fn archive(&self, call: Call) -> Call {
        call.time(self.options.archive_time).limit(u64::MAX)
    }

    /// What it means that the program ended so.
    pub(crate) fn failed(&self, step: Step, output: &Output) -> VcsError {
        output
            .clone()
            .error(self.runner.vcs(), step, self.runner.vcs().as_str())
    }

    /// The newest commit is unknown only where there is none.
    pub(crate) fn no_commits(&self, error: VcsError) -> VcsError {
        match error {
            VcsError::UnknownRevision { .. } => VcsError::NoCommits {
                url: self.url.clone(),
            },
            error => error,
        }
    }
}
