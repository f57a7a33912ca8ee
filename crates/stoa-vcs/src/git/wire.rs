//! Questions to a server over its [`Connection`].

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;
use super::listing::LONGEST;
use super::packet::{Packet, push, text};
use super::receive::{FetchOutcome, ReceiveError};
use super::refs::{Refs, RefsReader, TooManyRefs};
use super::url::Transport;
use super::{GitRepository, local};
use crate::cache::Lease;
use crate::{Step, VcsError, VcsKind};

/// The highest age of a connection, so that a changed credential is used soon.
const OLDEST: Duration = Duration::from_secs(60);

/// Refs of more bytes than this are read a few at a time.
const LONG: usize = 1 << 20;

/// The most commits that are named to the server as already fetched.
const HAVES: usize = 64;

/// What a server is asked to send.
#[derive(Clone, Copy, Debug)]
pub(super) enum WireRequest<'a> {
    /// What one ref names, with its trees: a commit without parents, and of its trees what those that are here lack.
    Commit(&'a str),
    /// Trees, each with all trees below, and files. They come whole: what is here already does not matter.
    Objects(&'a [String]),
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
            match self.ask_by(&mut connection).await {
                Ok(refs) => {
                    self.keep(connection);
                    let refs = self
                        .program
                        .options
                        .refs
                        .offload()
                        .run(refs.len(), || refs.finish());
                    Ok(Some(refs.await))
                }
                Err(RefsError::TooMany) => Err(self.too_many_refs()),
                Err(RefsError::Connection(error)) => Err(connection.broken(&error).await),
            }
        });
        asked.await.unwrap_or_else(|_| Err(timeout(time)))
    }

    async fn ask_by(&self, connection: &mut Connection) -> Result<RefsReader, RefsError> {
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
        let memory = &self.program.options.refs;
        let mut refs = RefsReader::new(memory.most());
        let (mut bytes, mut turn) = (0, None);
        loop {
            match connection.next().await? {
                Packet::Line(line) => {
                    bytes += line.len();
                    if bytes > LONGEST {
                        return Err(RefsError::TooMany);
                    }
                    if let Some(reason) = text(line).strip_prefix("ERR ") {
                        let reason = reason.to_owned();
                        return Err(io::Error::new(io::ErrorKind::InvalidData, reason).into());
                    }
                    refs.add_line(line)?;
                }
                Packet::Flush | Packet::Delimiter => {}
                Packet::End => return Ok(refs),
            }
            if bytes > LONG && turn.is_none() {
                turn = memory.long().await;
            }
        }
    }

    /// Fetches objects into the local copy; the caller holds the write permit.
    pub(super) async fn wire_fetch(
        &self,
        lease: &Lease,
        kind: &'static str,
        wanted: WireRequest<'_>,
    ) -> Result<FetchOutcome, VcsError> {
        let time = self.program.options.fetch_time;
        let fetched = tokio::time::timeout(time, async {
            let Some(mut connection) = self.connection().await? else {
                return Ok(FetchOutcome::Unable);
            };
            if !connection.can_fetch("filter") || !connection.can_fetch("shallow") {
                self.keep(connection);
                return Ok(FetchOutcome::Unable);
            }
            self.counters().add(kind, 1);
            let received = self.exchange(&mut connection, lease, wanted).await?;
            if received == FetchOutcome::Done {
                self.keep(connection);
            }
            Ok(received)
        });
        fetched.await.unwrap_or_else(|_| Err(timeout(time)))
    }

    /// A connection to ask by; `None` where there can be none.
    async fn connection(&self) -> Result<Option<Connection>, VcsError> {
        let wire = &self.state.wire;
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
        let idle = Arc::clone(&self.state.wire.idle);
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
        wanted: WireRequest<'_>,
    ) -> Result<FetchOutcome, VcsError> {
        let mut request = connection.request("fetch");
        push(&mut request, "ofs-delta");
        push(&mut request, "no-progress");
        push(&mut request, "filter blob:none");
        match wanted {
            WireRequest::Commit(hash) => {
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
            WireRequest::Objects(ids) => {
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
            Err(ReceiveError::Connection(error)) => Err(connection.broken(&error).await),
            Err(ReceiveError::Other(error)) => Err(error),
        }
    }
}

/// Why there are no refs.
enum RefsError {
    Connection(io::Error),
    TooMany,
}

impl From<io::Error> for RefsError {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

impl From<TooManyRefs> for RefsError {
    fn from(_: TooManyRefs) -> Self {
        Self::TooMany
    }
}

fn timeout(after: Duration) -> VcsError {
    VcsError::Timeout {
        vcs: VcsKind::Git,
        step: Step::Access,
        after,
    }
}
