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
use crate::process::{PlaceKind, while_wanted};
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
        let Some((mut connection, until)) = self.connection(time).await? else {
            return Ok(None);
        };
        self.counters().add("ls-remote", 1);
        let proxy = connection.proxy();
        let ask = async {
            match self.ask_by(&mut connection).await {
                Ok(refs) => Ok(refs),
                Err(RefsError::TooMany) => Err(self.too_many_refs()),
                Err(RefsError::Connection(error)) => Err(connection.broken(&error).await),
            }
        };
        let refs = within(time, until, while_wanted(proxy.as_deref(), OF, ask)).await?;
        self.keep(connection);
        let refs = self
            .program
            .options
            .refs
            .offload()
            .run(refs.len(), || refs.finish());
        Ok(Some(refs.await))
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
        let (mut bytes, mut turn, mut flushed) = (0, None, false);
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
                Packet::Flush => flushed = true,
                Packet::Delimiter => {}
                Packet::End if flushed => return Ok(refs),
                // Git's client ends every answer like this, also one that the server has not given.
                Packet::End => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
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
        let Some((mut connection, until)) = self.connection(time).await? else {
            return Ok(FetchOutcome::Unable);
        };
        if !connection.can_fetch("filter") || !connection.can_fetch("shallow") {
            self.keep(connection);
            return Ok(FetchOutcome::Unable);
        }
        self.counters().add(kind, 1);
        let proxy = connection.proxy();
        let exchange = self.exchange(&mut connection, lease, wanted);
        let received = within(time, until, while_wanted(proxy.as_deref(), OF, exchange)).await?;
        if received == FetchOutcome::Done {
            self.keep(connection);
        }
        Ok(received)
    }

    /// A connection to ask by, in a place, and when it has to be done that is to take `time`; `None` where there can be
    /// no connection. The wait for the place does not count.
    async fn connection(&self, time: Duration) -> Result<Option<(Connection, Instant)>, VcsError> {
        let wire = &self.state.wire;
        let http = matches!(self.program.url.transport(), Transport::Https | Transport::Http);
        if !http || *wire.old.lock() {
            return Ok(None);
        }
        let place = self
            .program
            .runner()
            .place(PlaceKind::Server, Step::Access)
            .await?;
        let until = Instant::now() + time;
        let idle = wire.idle.lock().take();
        if let Some(mut connection) = idle.filter(|connection| connection.since.elapsed() < OLDEST) {
            connection.go_on(place);
            return Ok(Some((connection, until)));
        }
        let connection = within(time, until, Connection::open(&self.program, place)).await?;
        *wire.old.lock() = connection.is_none();
        Ok(connection.map(|connection| (connection, until)))
    }

    /// Keeps a connection for the next question, if there is one soon, and if there are not too many.
    fn keep(&self, mut connection: Connection) {
        let Some(right) = self.program.runner().settings().places.keep_idle() else {
            return;
        };
        let idle = Arc::clone(&self.state.wire.idle);
        let until = Instant::now() + self.program.options.idle;
        connection.rest(right, until);
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

/// What is waited for on a connection.
const OF: (VcsKind, Step) = (VcsKind::Git, Step::Access);

/// Does `work`, which must be done by `until`, after `time`.
async fn within<T>(
    time: Duration,
    until: Instant,
    work: impl Future<Output = Result<T, VcsError>>,
) -> Result<T, VcsError> {
    let done = tokio::time::timeout_at(until, work).await;
    done.unwrap_or(Err(VcsError::Timeout {
        vcs: VcsKind::Git,
        step: Step::Access,
        after: time,
    }))
}
