//! Runs of the programs of hg, svn, bzr and fossil.

use std::path::Path;
use std::sync::Arc;

use crate::address::check_url;
use crate::process::{Call, Counters, Output, Runner};
use crate::quota::Quota;
use crate::{RepositoryOptions, Step, VcsError, VcsKind, session};

/// Runs the program of a system for one repository.
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

    /// A run that answers a short question.
    pub(crate) fn call(&self, kind: &'static str, step: Step) -> Call {
        self.runner.call(kind, step).time(self.options.question_time)
    }

    /// Prepares a run that connects to the server: with its credential and its proxy. To be called before the arguments of
    /// the command are added.
    pub(crate) async fn remote(&self, call: Call) -> Result<Call, VcsError> {
        let call = call.silence(self.options.silence);
        session::remote(self.runner.vcs(), call, &self.url, &self.options).await
    }

    /// Runs a fetch into `folder` within the time of a fetch, and stops it when the folder becomes too large.
    pub(crate) async fn fetch(&self, call: Call, folder: &Path) -> Result<Output, VcsError> {
        let quota = Quota {
            vcs: self.runner.vcs(),
            step: Step::Access,
            folder: folder.to_owned(),
            limit: self.options.copy_limit,
        };
        quota.run(call.time(self.options.fetch_time)).await
    }

    /// [`Self::fetch`]; an exit code other than 0 is an error.
    pub(crate) async fn fetch_all(&self, call: Call, folder: &Path) -> Result<(), VcsError> {
        let output = self.fetch(call, folder).await?;
        match output.code {
            Some(0) => Ok(()),
            _ => Err(self.failed(Step::Access, &output)),
        }
    }

    /// Gives `call` the time of an archive. Its output is unlimited: the archive reader counts the bytes.
    pub(crate) fn archive(&self, call: Call) -> Call {
        call.time(self.options.archive_time).limit(u64::MAX)
    }

    /// The error of a program that did not end well.
    pub(crate) fn failed(&self, step: Step, output: &Output) -> VcsError {
        output
            .clone()
            .error(self.runner.vcs(), step, self.runner.vcs().as_str())
    }

    /// The error of the question for the newest commit: if that is unknown, the repository has no commits.
    pub(crate) fn no_commits(&self, error: VcsError) -> VcsError {
        match error {
            VcsError::UnknownRevision { .. } => VcsError::NoCommits {
                url: self.url.clone(),
            },
            error => error,
        }
    }
}
