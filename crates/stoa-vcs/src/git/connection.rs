//! A conversation with a server over HTTP, in version 2 of git's protocol.
//!
//! `git remote-http`, git's own HTTP client, is kept for a while and answers many requests. It handles TLS, proxies,
//! redirects and credentials as every run of git does, but it starts once, connects once, and sends exactly the requests
//! that it is given.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use super::packet::{FLUSH, Packet, Packets, text};
use super::program::{Program, Remote, failed};
use super::session::Session;
use crate::process::{Group, Place, clean, while_wanted};
use crate::{ProxySession, Step, VcsError, VcsKind, certificate};

/// How many bytes are read at once.
const PIECE: usize = 64 << 10;

/// How much of what the program said is kept.
const SAID: u64 = 16 << 10;

/// A program that talks to the server of one repository. Secrets are on the disk as long as it is there.
#[derive(Debug)]
pub(super) struct Connection {
    group: Group,
    stdin: ChildStdin,
    packets: Packets<BufReader<ChildStdout>>,
    stderr: ChildStderr,
    capabilities: Vec<String>,
    /// How long the server may send nothing.
    silence: Duration,
    session: Session,
    /// The host of the repository.
    host: String,
    /// When it was made.
    pub(super) since: Instant,
    /// How long it is kept.
    pub(super) until: Instant,
    /// The right to be there while it does nothing.
    idle: Option<OwnedSemaphorePermit>,
}

impl Connection {
    /// Connects, in `place`. `None` if the server does not speak version 2.
    pub(super) async fn open(program: &Program, place: Place) -> Result<Option<Self>, VcsError> {
        let run = Remote {
            kind: "connect",
            step: Step::Access,
            args: vec![
                "remote-https".to_owned(),
                "origin".to_owned(),
                program.url.to_string(),
            ],
            stdin: Vec::new(),
            dir: None,
            partial: false,
            time: program.options.refs_time,
        };
        let (call, session) = program.prepare(run).await?;
        let mut group = call.converse(Some(place))?;
        let child = group.child();
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(Step::Access, "remote-https has no pipes"));
        };
        let mut connection = Self {
            group,
            stdin,
            packets: Packets::new(BufReader::with_capacity(PIECE, stdout)),
            stderr,
            capabilities: Vec::new(),
            silence: program.options.silence,
            session,
            host: program.host(),
            since: Instant::now(),
            until: Instant::now(),
            idle: None,
        };
        let proxy = connection.proxy();
        let greet = async {
            match connection.greet().await {
                Ok(greeted) => Ok(greeted),
                Err(error) => Err(connection.broken(&error).await),
            }
        };
        let greeted = while_wanted(proxy.as_deref(), (VcsKind::Git, Step::Access), greet).await?;
        Ok(greeted.then_some(connection))
    }

    /// Reads what the server can do; `false` if that is not version 2.
    async fn greet(&mut self) -> std::io::Result<bool> {
        self.stdin
            .write_all(b"stateless-connect git-upload-pack\n")
            .await?;
        let mut line = Vec::new();
        let greeting = self.packets.inner().take(64);
        let mut greeting = std::pin::pin!(greeting);
        heard(self.silence, greeting.read_until(b'\n', &mut line)).await?;
        match line.as_slice() {
            b"\n" => {}
            b"fallback\n" => return Ok(false),
            _ => return Err(std::io::ErrorKind::UnexpectedEof.into()),
        }
        while let Packet::Line(line) = heard(self.silence, self.packets.next()).await? {
            let line = text(line).to_owned();
            self.capabilities.push(line);
        }
        Ok(self.capabilities.first().is_some_and(|line| line == "version 2"))
    }

    /// Does nothing from now on until the time `until`.
    pub(super) fn rest(&mut self, idle: OwnedSemaphorePermit, until: Instant) {
        self.group.rest();
        self.idle = Some(idle);
        self.until = until;
    }

    /// Goes on, in `place`.
    pub(super) fn go_on(&mut self, place: Place) {
        self.group.go_on(place);
        self.idle = None;
    }

    /// What the proxy lets it do, if there is a proxy.
    pub(super) fn proxy(&self) -> Option<Arc<dyn ProxySession>> {
        self.session.proxy()
    }

    /// The value of what the server says it can do.
    pub(super) fn capability(&self, name: &str) -> Option<&str> {
        let mut lines = self.capabilities.iter();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }

    /// Whether `fetch` of this server knows a feature.
    pub(super) fn can_fetch(&self, feature: &str) -> bool {
        self.capability("fetch")
            .is_some_and(|features| features.split(' ').any(|one| one == feature))
    }

    /// Begins a request: the lines that all requests share. The caller adds its own.
    pub(super) fn request(&self, command: &str) -> Vec<u8> {
        let mut request = Vec::new();
        super::packet::push(&mut request, &format!("command={command}"));
        let format = self.capability("object-format").unwrap_or("sha1");
        super::packet::push(&mut request, &format!("object-format={format}"));
        request.extend_from_slice(super::packet::DELIMITER);
        request
    }

    /// Sends a request, to which the end is added.
    pub(super) async fn send(&mut self, mut request: Vec<u8>) -> std::io::Result<()> {
        request.extend_from_slice(FLUSH);
        self.stdin.write_all(&request).await
    }

    /// The next line of the answer. A server that stops in the middle would hold up all that is asked of its repository.
    pub(super) async fn next(&mut self) -> std::io::Result<Packet<'_>> {
        heard(self.silence, self.packets.next()).await
    }

    /// The error when reading or writing failed: mostly the program has printed why, and ended.
    pub(super) async fn broken(&mut self, error: &std::io::Error) -> VcsError {
        if error.kind() == std::io::ErrorKind::TimedOut {
            self.group.kill();
            return VcsError::Timeout {
                vcs: VcsKind::Git,
                step: Step::Access,
                after: self.silence,
            };
        }
        if error.kind() == std::io::ErrorKind::InvalidData {
            // The program is still running and waits for more input.
            self.group.kill();
        }
        let mut said = Vec::new();
        let _ = (&mut self.stderr).take(SAID).read_to_end(&mut said).await;
        let said = clean(&said, &self.session.secrets);
        let refusal = self.proxy().and_then(|proxy| proxy.refusal());
        let said = match refusal {
            // The program only knows that it was refused.
            Some(refusal) => refusal,
            None if said.is_empty() => format!("the connection broke: {error}"),
            None => certificate::refused(&self.host, &said).unwrap_or(said),
        };
        failed(Step::Access, said)
    }
}

/// What is read within the time that a server may be silent.
async fn heard<T>(silence: Duration, read: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    let read = timeout(silence, read).await;
    read.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}
