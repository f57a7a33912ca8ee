//! One run of a program.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::clean::Tail;
use super::group::Group;
use super::silence::while_busy;
use super::{Believed, Output, Place, PlaceKind, Runner, Unseen, while_wanted};
use crate::{HttpProxy, ProxySession, Step, VcsError, certificate};

/// How long a run may take by default.
const DEFAULT_TIME: Duration = Duration::from_secs(60);

/// How many bytes a run may print by default.
const DEFAULT_LIMIT: u64 = 64 << 20;

impl Runner {
    /// Prepares a run; `kind` is what it is counted as, `step` what its errors say was being done.
    pub fn call(&self, kind: &'static str, step: Step) -> Call {
        Call::new(self.clone(), kind, step)
    }
}

/// A run that is being prepared.
#[derive(Debug)]
pub struct Call {
    pub(super) runner: Runner,
    pub(super) kind: &'static str,
    pub(super) step: Step,
    pub(super) args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    dir: Option<PathBuf>,
    stdin: Vec<u8>,
    /// What a stream reads.
    pub(super) input: Option<File>,
    pub(super) secrets: Vec<String>,
    pub(super) limit: u64,
    pub(super) time: Duration,
    /// How long its server may be silent.
    silence: Option<Duration>,
    /// A folder of files for this run alone; it is removed when the run has ended.
    held: Option<TempDir>,
    place: PlaceKind,
    /// The host that it asks.
    host: Option<String>,
    /// What the proxy lets it do, for as long as it runs.
    session: Option<Arc<dyn ProxySession>>,
}

impl Call {
    pub(super) fn new(runner: Runner, kind: &'static str, step: Step) -> Self {
        Self {
            runner,
            kind,
            step,
            args: Vec::new(),
            env: Vec::new(),
            dir: None,
            stdin: Vec::new(),
            input: None,
            secrets: Vec::new(),
            limit: DEFAULT_LIMIT,
            time: DEFAULT_TIME,
            silence: None,
            held: None,
            place: PlaceKind::Local,
            host: None,
            session: None,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, args: I) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable, also one that the runner sets.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The folder in which it runs; by default the home of the runner.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// The bytes of its standard input; none by default. Only for [`Self::run`].
    #[must_use]
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = bytes;
        self
    }

    /// The file of its standard input, read from the file's position; none by default. Only for [`Self::stream`].
    #[must_use]
    pub(crate) fn input(mut self, file: File) -> Self {
        self.input = Some(file);
        self
    }

    /// What no error may show.
    #[must_use]
    pub fn secrets(mut self, secrets: impl IntoIterator<Item = String>) -> Self {
        self.secrets.extend(secrets);
        self
    }

    /// Keeps this folder for as long as it runs. Only for [`Self::run`].
    #[must_use]
    pub(crate) fn holding(mut self, folder: TempDir) -> Self {
        self.held = Some(folder);
        self
    }

    /// Says that it talks to a server, called `host`, if by a proxy, by this one.
    #[must_use]
    pub(crate) fn for_server(mut self, host: &str, proxy: Option<&HttpProxy>) -> Self {
        self.place = PlaceKind::Server;
        self.host = Some(host.to_owned());
        if let Some(proxy) = proxy {
            self.secrets.push(proxy.password.clone());
            self.session = Some(Arc::clone(&proxy.session));
        }
        self
    }

    /// How many bytes it may print; 64 MiB by default.
    #[must_use]
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// How long it may take; a minute by default. For [`Self::stream`], until it is read to the end.
    #[must_use]
    pub fn time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// How long it may wait for a server that says nothing; as long as it may take by default. Only for [`Self::run`], and for
    /// a program that talks to the server itself.
    #[must_use]
    pub(crate) fn silence(mut self, silence: Duration) -> Self {
        self.silence = Some(silence);
        self
    }

    /// Runs it to its end, whatever its exit code. Its time begins when it has a place.
    pub async fn run(self) -> Result<Output, VcsError> {
        let place = self.place().await?;
        self.run_in(place).await
    }

    /// The same, in this place.
    pub(crate) async fn run_in(mut self, place: Place) -> Result<Output, VcsError> {
        let stdin = std::mem::take(&mut self.stdin);
        let mut group = Group(self.spawn(!stdin.is_empty())?, Some(place));
        let id = group.0.id();
        let talk = self.talk(&mut group.0, &stdin);
        // It holds buffers, which should not be in the future of every question.
        let talk = Box::pin(async {
            let silence = self.silence.unwrap_or(self.time);
            let talk = while_busy(id, silence, || self.timeout(silence), talk);
            tokio::time::timeout(self.time, talk)
                .await
                .unwrap_or_else(|_| Err(self.timeout(self.time)))
        });
        let session = self
            .session
            .as_deref()
            .or(self.is_unseen_question().then_some(&Unseen as _));
        while_wanted(session, (self.runner.vcs(), self.step), talk).await
    }

    /// Whether it asks a server, without the proxy, something short: then silence is all that can be seen of it.
    fn is_unseen_question(&self) -> bool {
        self.place == PlaceKind::Server && self.time <= DEFAULT_TIME
    }

    /// A place for it, as soon as there is one.
    pub(super) async fn place(&self) -> Result<Place, VcsError> {
        self.runner.place(self.place, self.step).await
    }

    /// Runs it to its end and gives what it printed; an exit code but 0 is [`VcsError::Failed`].
    pub async fn text(self) -> Result<Vec<u8>, VcsError> {
        let (vcs, step, kind) = (self.runner.vcs(), self.step, self.kind);
        let output = self.run().await?;
        match output.code {
            Some(0) => Ok(output.stdout),
            _ => Err(output.error(vcs, step, kind)),
        }
    }

    /// Starts it for a conversation: its standard input is a pipe. The caller sees to its bounds, and to its place, if it
    /// is not a part of another conversation that has one. The group dies with the guard.
    pub(crate) fn converse(self, place: Option<Place>) -> Result<Group, VcsError> {
        Ok(Group(self.spawn(true)?, place))
    }

    async fn talk(&self, child: &mut Child, stdin: &[u8]) -> Result<Output, VcsError> {
        let input = child.stdin.take();
        let write = async {
            if let Some(mut input) = input {
                // A program that does not read to the end says why by its exit code.
                let _ = input.write_all(stdin).await;
            }
            Ok(())
        };
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let ((), stdout, tail) = tokio::try_join!(write, self.read(stdout), self.tail(stderr))?;
        let status = child.wait().await.map_err(|error| self.io(&error))?;
        let said = tail.clean(&self.secrets);
        if let Some(error) = self.exceeded(status, &said) {
            return Err(error);
        }
        // The program only knows that it was refused.
        let refusal = self.session.as_ref().and_then(|session| session.refusal());
        let certificate = || certificate::refused(self.host.as_deref()?, &said);
        // Fossil ends well whatever it was told.
        let instead = refusal.filter(|_| !status.success()).or_else(certificate);
        Ok(Output {
            code: status.code(),
            stdout,
            said: instead.unwrap_or(said),
        })
    }

    async fn read(&self, from: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, VcsError> {
        let mut bytes = Vec::new();
        let Some(from) = from else { return Ok(bytes) };
        let mut from = from.take(self.limit.saturating_add(1));
        from.read_to_end(&mut bytes)
            .await
            .map_err(|error| self.io(&error))?;
        if bytes.len() as u64 > self.limit {
            return Err(self.too_large());
        }
        Ok(bytes)
    }

    async fn tail(&self, from: Option<impl AsyncRead + Unpin>) -> Result<Tail, VcsError> {
        let mut tail = Tail::default();
        let Some(mut from) = from else { return Ok(tail) };
        let mut chunk = [0; 4096];
        loop {
            match from.read(&mut chunk).await.map_err(|error| self.io(&error))? {
                0 => return Ok(tail),
                read => tail.push(&chunk[..read]),
            }
        }
    }

    /// The command with everything but its streams.
    pub(super) fn command(&self) -> Result<std::process::Command, VcsError> {
        use std::os::unix::process::CommandExt as _;
        let settings = self.runner.settings();
        let mut command = settings.limits.command(self.runner.program()?);
        command
            .args(&self.args)
            .current_dir(self.dir.as_ref().unwrap_or(&settings.home))
            .process_group(0)
            .env_clear()
            .env("PATH", &settings.path)
            .env("HOME", &settings.home)
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "/bin/false")
            .env("SSH_ASKPASS", "/bin/false")
            .env("SSH_ASKPASS_REQUIRE", "never")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .envs(settings.believed.iter().flat_map(Believed::variables))
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    fn spawn(&self, stdin: bool) -> Result<Child, VcsError> {
        let mut command = Command::from(self.command()?);
        command
            .stdin(if stdin { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        self.runner.counters().add(self.kind, 1);
        command.spawn().map_err(|error| self.io(&error))
    }

    pub(super) fn io(&self, error: &std::io::Error) -> VcsError {
        VcsError::Failed {
            vcs: self.runner.vcs(),
            step: self.step,
            said: error.to_string(),
        }
    }

    /// The error of a program that one of its limits has ended.
    pub(super) fn exceeded(&self, status: ExitStatus, said: &str) -> Option<VcsError> {
        let limits = self.runner.settings().limits;
        limits.exceeded(self.runner.vcs(), self.step, status, said)
    }

    pub(super) fn timeout(&self, after: Duration) -> VcsError {
        VcsError::Timeout {
            vcs: self.runner.vcs(),
            step: self.step,
            after,
        }
    }

    pub(super) fn too_large(&self) -> VcsError {
        VcsError::TooLarge {
            vcs: self.runner.vcs(),
            step: self.step,
            limit: self.limit,
        }
    }
}
