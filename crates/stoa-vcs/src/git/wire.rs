//! Questions to a server over its [`Connection`].

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use super::connection::Connection;
use super::packet::{Packet, push, text};
use super::program::failed;
use super::refs::Refs;
use super::url::Transport;
use super::{GitRepository, local};
use crate::cache::Lease;
use crate::{Step, VcsError, VcsKind};

/// How old a connection may become, so that a credential that was changed is taken up.
const OLDEST: Duration = Duration::from_secs(60);

/// How many bytes of refs a server may send.
const REFS: usize = 64 << 20;

/// The most commits that are named as being here already.
const HAVES: usize = 64;

/// What a server over HTTP was found to be like.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// A connection that nobody uses.
    idle: Arc<Mutex<Option<Connection>>>,
    /// Whether the server turned out not to speak version 2.
    old: Mutex<bool>,
}

/// What is wanted of a server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'a> {
    /// What one ref names, with its trees: a commit without parents, and of its trees what those that are here lack.
    Commit(&'a str),
    /// Trees, each with all trees below, and files. They come whole: what is here already does not matter.
    Objects(&'a [String]),
}

/// How a question over the wire ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Received {
    Done,
    /// The server said no, for this reason.
    Refused(String),
    /// It cannot be asked so.
    Unable,
}

impl GitRepository {
    /// The refs, if the server speaks version 2.
    pub(super) async fn wire_refs(&self) -> Result<Option<Refs>, VcsError> {
        let time = self.program.options.refs_time;
        let asked = tokio::time::timeout(time, async {
            let Some(mut connection) = self.connection().await? else {
                return Ok(None);
            };
            self.counters().add("ls-remote", 1);
            match ask_for_refs(&mut connection).await {
                Ok(refs) => {
                    self.keep(connection);
                    Ok(Some(refs))
                }
                Err(error) => Err(connection.broken(&error).await),
            }
        });
        asked.await.unwrap_or_else(|_| Err(timeout(time)))
    }

    /// Fetches objects into the local copy; the turn to write is the caller's.
    pub(super) async fn wire_fetch(
        &self,
        lease: &Lease,
        kind: &'static str,
        wanted: Wanted<'_>,
    ) -> Result<Received, VcsError> {
        let time = self.program.options.fetch_time;
        let fetched = tokio::time::timeout(time, async {
            let Some(mut connection) = self.connection().await? else {
                return Ok(Received::Unable);
            };
            if !connection.can_fetch("filter") || !connection.can_fetch("shallow") {
                self.keep(connection);
                return Ok(Received::Unable);
            }
            self.counters().add(kind, 1);
            let received = self.exchange(&mut connection, lease, wanted).await?;
            if received == Received::Done {
                self.keep(connection);
            }
            Ok(received)
        });
        fetched.await.unwrap_or_else(|_| Err(timeout(time)))
    }

    /// A connection to ask by; `None` where there can be none.
    async fn connection(&self) -> Result<Option<Connection>, VcsError> {
        let wire = &self.shared.wire;
        let http = matches!(self.program.url.transport(), Transport::Https | Transport::Http);
        if !http || *wire.old.lock() {
            return Ok(None);
        }
        let idle = wire.idle.lock().take();
        if let Some(connection) = idle.filter(|connection| connection.since.elapsed() < OLDEST) {
            return Ok(Some(connection));
        }
        let connection = Connection::open(&self.program).await?;
        *wire.old.lock() = connection.is_none();
        Ok(connection)
    }

    /// Keeps a connection for the next question, if there is one soon.
    fn keep(&self, mut connection: Connection) {
        let idle = Arc::clone(&self.shared.wire.idle);
        let until = Instant::now() + self.program.options.idle;
        connection.until = until;
        *idle.lock() = Some(connection);
        self.spawn(async move {
            tokio::time::sleep_until(until).await;
            let mut idle = idle.lock();
            if idle.as_ref().is_some_and(|connection| connection.until == until) {
                *idle = None;
            }
        });
    }

    async fn exchange(
        &self,
        connection: &mut Connection,
        lease: &Lease,
        wanted: Wanted<'_>,
    ) -> Result<Received, VcsError> {
        let mut request = connection.request("fetch");
        push(&mut request, "ofs-delta");
        push(&mut request, "no-progress");
        push(&mut request, "filter blob:none");
        match wanted {
            Wanted::Commit(hash) => {
                let haves = local::fetched(lease.path(), HAVES);
                push(&mut request, "thin-pack");
                push(&mut request, "deepen 1");
                push(&mut request, &format!("want {hash}"));
                for have in &haves {
                    push(&mut request, &format!("shallow {have}"));
                }
                for have in &haves {
                    push(&mut request, &format!("have {have}"));
                }
            }
            Wanted::Objects(ids) => {
                for id in ids {
                    push(&mut request, &format!("want {id}"));
                }
            }
        }
        push(&mut request, "done");
        if let Err(error) = connection.send(request).await {
            return Err(connection.broken(&error).await);
        }
        match self.sections(connection, lease).await {
            Ok(received) => Ok(received),
            Err(Broken::Connection(error)) => Err(connection.broken(&error).await),
            Err(Broken::Other(error)) => Err(error),
        }
    }

    /// Reads the sections of an answer to `fetch`.
    async fn sections(&self, connection: &mut Connection, lease: &Lease) -> Result<Received, Broken> {
        let mut shallow = Vec::new();
        let mut section = String::new();
        loop {
            let line = match connection.next().await? {
                Packet::Line(line) => line,
                Packet::Delimiter => {
                    section.clear();
                    continue;
                }
                Packet::Flush | Packet::End => {
                    return Err(Broken::Other(failed(Step::Access, "the server sent no pack")));
                }
            };
            let line = text(line);
            if let Some(reason) = line.strip_prefix("ERR ") {
                return Ok(Received::Refused(reason.chars().take(200).collect()));
            }
            if section.is_empty() {
                line.clone_into(&mut section);
                if section == "packfile" {
                    break;
                }
            } else if section == "shallow-info"
                && let Some(hash) = line.strip_prefix("shallow ")
                && super::refs::is_whole_hash(hash)
            {
                shallow.push(hash.to_owned());
            }
        }
        // Before the commits come: that they have no parents here has to be known from the first moment.
        local::add_shallow(lease.path(), &shallow)
            .map_err(|error| failed(Step::Access, error.to_string()))?;
        self.pack(connection, lease).await
    }

    /// Gives the pack that comes to `git index-pack`.
    async fn pack(&self, connection: &mut Connection, lease: &Lease) -> Result<Received, Broken> {
        let call = self.program.local("index-pack", Step::Access, lease.path());
        let call = call.args([
            "-c",
            "core.fsync=none",
            "index-pack",
            "--stdin",
            "--fix-thin",
            "--promisor=stoa",
        ]);
        let mut group = call.converse()?;
        let child = group.child();
        let io = |error: std::io::Error| failed(Step::Access, format!("index-pack: {error}"));
        let (Some(mut stdin), Some(mut stderr)) = (child.stdin.take(), child.stderr.take()) else {
            return Err(failed(Step::Access, "index-pack has no pipes").into());
        };
        let mut bytes = 0;
        let mut ended = false;
        loop {
            let line = match connection.next().await? {
                Packet::Line(line) => line,
                Packet::End => break,
                Packet::Flush | Packet::Delimiter => continue,
            };
            match line.split_first() {
                Some((1, data)) => {
                    bytes += data.len() as u64;
                    // If it has ended, its last words say why; the rest of the answer is read all the same.
                    ended = ended || stdin.write_all(data).await.is_err();
                }
                Some((3, reason)) => {
                    let reason = String::from_utf8_lossy(reason);
                    return Ok(Received::Refused(reason.trim().chars().take(200).collect()));
                }
                _ => {}
            }
        }
        drop(stdin);
        let mut said = Vec::new();
        let _ = (&mut stderr).take(16 << 10).read_to_end(&mut said).await;
        let status = group.child().wait().await.map_err(io)?;
        if !status.success() {
            let said = crate::process::clean(&said, &[]);
            return Err(failed(Step::Access, format!("index-pack: {said}")).into());
        }
        self.counters().add("bytes", bytes);
        Ok(Received::Done)
    }
}

/// What went wrong while an answer was read.
enum Broken {
    Connection(std::io::Error),
    Other(VcsError),
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self::Connection(error)
    }
}

impl From<VcsError> for Broken {
    fn from(error: VcsError) -> Self {
        Self::Other(error)
    }
}

async fn ask_for_refs(connection: &mut Connection) -> std::io::Result<Refs> {
    let mut request = connection.request("ls-refs");
    for line in [
        "peel",
        "ref-prefix HEAD",
        "ref-prefix refs/heads/",
        "ref-prefix refs/tags/",
    ] {
        push(&mut request, line);
    }
    connection.send(request).await?;
    let mut refs = Refs::default();
    let mut bytes = 0;
    loop {
        match connection.next().await? {
            Packet::Line(line) => {
                bytes += line.len();
                if bytes > REFS {
                    return Err(std::io::Error::new(
                        std::io::ErrorKind::InvalidData,
                        format!("more than {REFS} bytes of refs"),
                    ));
                }
                if let Some(reason) = text(line).strip_prefix("ERR ") {
                    return Err(std::io::Error::new(
                        std::io::ErrorKind::InvalidData,
                        reason.to_owned(),
                    ));
                }
                refs.add_line(line);
            }
            Packet::Flush | Packet::Delimiter => {}
            Packet::End => return Ok(refs),
        }
    }
}

fn timeout(after: Duration) -> VcsError {
    VcsError::Timeout {
        vcs: VcsKind::Git,
        step: Step::Access,
        after,
    }
}
