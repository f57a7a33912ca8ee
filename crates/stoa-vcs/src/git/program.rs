//! Runs of the git program, with the settings that all of them share.

use std::path::{Path, PathBuf};

use super::session::{Session, SessionInput};
use super::{GitOptions, RepoUrl, Transport};
use crate::cache::Cache;
use crate::process::{Call, Output, Runner, RunnerSettings};
use crate::{Credential, HttpProxy, Step, VcsError, VcsKind};

/// Runs git for one repository.
#[derive(Debug)]
pub(super) struct Program {
    runner: Runner,
    pub(super) url: RepoUrl,
    pub(super) options: GitOptions,
    /// Where the secrets of a run are written while it lasts.
    sessions: PathBuf,
}

impl Program {
    pub(super) fn new(url: RepoUrl, options: GitOptions, cache: &Cache) -> Self {
        let settings = options
            .runner
            .clone()
            .unwrap_or_else(|| RunnerSettings::new(cache.home()));
        let runner = Runner::new(VcsKind::Git, "git", settings);
        let sessions = cache.sessions();
        Self {
            runner,
            url,
            options,
            sessions,
        }
    }

    pub(super) fn runner(&self) -> &Runner {
        &self.runner
    }

    /// A run that only looks at the local repository in `dir`. It fetches nothing, whatever is missing.
    pub(super) fn local(&self, kind: &'static str, step: Step, dir: &Path) -> Call {
        let call = self
            .runner
            .call(kind, step)
            .env("GIT_DIR", dir)
            .env("GIT_LITERAL_PATHSPECS", "1");
        let call = call
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_ALLOW_PROTOCOL", "");
        call.time(self.options.read_time)
    }

    /// Runs git with `args` where it talks to the server, in the local repository `dir` if there is one.
    pub(super) async fn remote(&self, run: Remote<'_>) -> Result<Output, VcsError> {
        let (call, _session) = self.prepare(run).await?;
        call.run().await
    }

    /// What [`Self::remote`] runs, and what has to stay as long as it runs.
    pub(super) async fn prepare(&self, run: Remote<'_>) -> Result<(Call, Session), VcsError> {
        let proxy = self.way_out(run.step).await?;
        let credential = self.credential().await;
        let input = SessionInput {
            credential: credential.as_ref(),
            proxy: proxy.as_ref(),
            partial: run.partial,
        };
        let session = Session::new(&self.sessions, &self.url, &self.options, input);
        let session = session.map_err(|error| failed(run.step, error.to_string()))?;
        let mut call = self
            .runner
            .call(run.kind, run.step)
            .args(run.args)
            .stdin(run.stdin)
            .dir(session.home())
            .env("HOME", session.home())
            .env("GIT_CONFIG_GLOBAL", session.config())
            .env("GIT_ALLOW_PROTOCOL", self.allowed())
            .env("GIT_PROTOCOL_FROM_USER", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_CEILING_DIRECTORIES", "/")
            .secrets(session.secrets.iter().cloned())
            .time(run.time);
        if let Some(ssh) = session.ssh() {
            call = call.env("GIT_SSH_COMMAND", ssh).env("GIT_SSH_VARIANT", "ssh");
        }
        if let Some(dir) = run.dir {
            call = call.env("GIT_DIR", dir);
        }
        Ok((call, session))
    }

    /// The credential for the repository, if there is one.
    pub(super) async fn credential(&self) -> Option<Credential> {
        match &self.options.credentials {
            Some(credentials) => credentials.for_url(self.url.as_str()).await,
            None => None,
        }
    }

    /// The proxy that git has to use. Fails if git must not connect to the server at all.
    async fn way_out(&self, step: Step) -> Result<Option<HttpProxy>, VcsError> {
        let Some(egress) = &self.options.egress else {
            return Ok(None);
        };
        if self.url.transport() == Transport::File {
            return Ok(None);
        }
        let url = self.url.as_str();
        let checked = egress.check(url).await;
        checked.map_err(|why| why.into_error(VcsKind::Git, step, url))?;
        match self.url.transport() {
            Transport::Https | Transport::Http => {
                let proxy = egress.proxy().await;
                proxy.map(Some).map_err(|error| failed(step, error))
            }
            Transport::Ssh | Transport::Git | Transport::File => Ok(None),
        }
    }

    /// What redirects and the URL itself may use, as `GIT_ALLOW_PROTOCOL` lists it.
    fn allowed(&self) -> String {
        let name = |transport: &Transport| match transport {
            Transport::Https => "https",
            Transport::Http => "http",
            Transport::Ssh => "ssh:git+ssh",
            Transport::Git => "git",
            Transport::File => "file",
        };
        let names: Vec<&str> = self.options.transports.iter().map(name).collect();
        names.join(":")
    }
}

/// One run that talks to the server.
#[derive(Debug)]
pub(super) struct Remote<'a> {
    pub(super) kind: &'static str,
    pub(super) step: Step,
    pub(super) args: Vec<String>,
    pub(super) stdin: Vec<u8>,
    pub(super) dir: Option<&'a Path>,
    pub(super) partial: bool,
    pub(super) time: std::time::Duration,
}

/// A failure of git.
pub(super) fn failed(step: Step, said: impl Into<String>) -> VcsError {
    VcsError::Failed {
        vcs: VcsKind::Git,
        step,
        said: said.into(),
    }
}
