//! Runs of the git program, with the settings that all of them share.

use std::path::{Path, PathBuf};

use url::Url;

use super::session::{Session, SessionInput};
use super::{GitOptions, RepoUrl, Transport};
use crate::cache::Cache;
use crate::process::{Call, Output, PlaceKind, Runner, RunnerSettings};
use crate::{Authority, Credential, HttpProxy, Step, VcsError, VcsKind};

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
        frugal(call).time(self.options.read_time)
    }

    /// Runs git with `args` where it talks to the server, in the local repository `dir` if there is one.
    pub(super) async fn remote(&self, run: Remote<'_>) -> Result<Output, VcsError> {
        // Secrets are written for who has a place, not for all who wait for one.
        let place = self.runner.place(PlaceKind::Server, run.step).await?;
        let (call, session) = self.prepare(run).await?;
        let output = call.run_in(place).await;
        session.end().await;
        output
    }

    /// What [`Self::remote`] runs, and what has to stay as long as it runs.
    pub(super) async fn prepare(&self, run: Remote<'_>) -> Result<(Call, Session), VcsError> {
        let credential = self.credential().await;
        let proxy = self.way_out(run.step, credential.as_ref()).await?;
        let input = SessionInput {
            credential: credential.as_ref(),
            proxy: proxy.as_ref(),
            partial: run.partial,
        };
        let session = Session::new(&self.sessions, &self.url, &self.options, input).await;
        let session = session.map_err(|error| failed(run.step, error.to_string()))?;
        let host = self.host();
        let call = frugal(self.runner.call(run.kind, run.step));
        let mut call = call
            .for_server(&host, proxy.as_ref())
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

    /// The host of the repository, for messages.
    pub(super) fn host(&self) -> String {
        let parsed = Url::parse(self.url.as_str());
        let host = parsed.as_ref().ok().and_then(Url::host_str);
        host.unwrap_or_default().to_owned()
    }

    /// The credential for the repository, if there is one.
    pub(super) async fn credential(&self) -> Option<Credential> {
        match &self.options.credentials {
            Some(credentials) => credentials.for_url(self.url.as_str()).await,
            None => None,
        }
    }

    /// The proxy that git has to use. Fails if git must not connect to the server at all.
    async fn way_out(
        &self,
        step: Step,
        credential: Option<&Credential>,
    ) -> Result<Option<HttpProxy>, VcsError> {
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
                let parsed = Url::parse(url).ok();
                let only = credential.and(parsed).as_ref().and_then(Authority::of);
                let proxy = egress.proxy(only).await;
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
            Transport::Ssh => "ssh:git+ssh:ssh+git",
            Transport::Git => "git",
            Transport::File => "file",
        };
        let names: Vec<&str> = self.options.transports.iter().map(name).collect();
        names.join(":")
    }
}

/// Settings with which git, and whatever git starts, needs little memory for what strangers have in their repositories.
const FRUGAL: [(&str, &str); 5] = [
    // Larger files are passed on piece by piece.
    ("core.bigFileThreshold", "16m"),
    ("core.deltaBaseCacheLimit", "64m"),
    ("pack.windowMemory", "64m"),
    ("pack.deltaCacheSize", "64m"),
    ("pack.threads", "2"),
];

/// The threshold for runs in which it decides about more than memory: `git archive` does not convert line ends of larger
/// files. It is git's own, and larger than the files of any module.
pub(super) const GITS_OWN_THRESHOLD: &str = "core.bigFileThreshold=512m";

fn frugal(call: Call) -> Call {
    let settings = FRUGAL.iter().enumerate();
    let call = call.env("GIT_CONFIG_COUNT", FRUGAL.len().to_string());
    settings.fold(call, |call, (index, (key, value))| {
        call.env(format!("GIT_CONFIG_KEY_{index}"), *key)
            .env(format!("GIT_CONFIG_VALUE_{index}"), *value)
    })
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

/// A flaw of the repository.
pub(super) fn malformed(step: Step, what: impl Into<String>) -> VcsError {
    VcsError::Malformed {
        vcs: VcsKind::Git,
        step,
        what: what.into(),
    }
}
