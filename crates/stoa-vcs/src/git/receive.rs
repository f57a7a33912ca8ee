//! The answer of a server to `fetch`: lists of commits, and a pack.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::connection::Connection;
use super::packet::{Packet, text};
use super::program::failed;
use super::{GitRepository, local};
use crate::cache::Lease;
use crate::{Step, VcsError, VcsKind};

/// How a fetch over the wire ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FetchOutcome {
    Done,
    /// The server refused, for this reason.
    Refused(String),
    /// The server does not have the features for it.
    Unable,
}

/// Why an answer could not be read.
pub(super) enum ReceiveError {
    Connection(std::io::Error),
    Other(VcsError),
}

impl From<std::io::Error> for ReceiveError {
    fn from(error: std::io::Error) -> Self {
        Self::Connection(error)
    }
}

impl From<VcsError> for ReceiveError {
    fn from(error: VcsError) -> Self {
        Self::Other(error)
    }
}

impl GitRepository {
    /// Reads the sections of an answer to `fetch`.
    pub(super) async fn sections(
        &self,
        connection: &mut Connection,
        lease: &Lease,
    ) -> Result<FetchOutcome, ReceiveError> {
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
                    return Err(ReceiveError::Other(failed(
                        Step::Access,
                        "the server sent no pack",
                    )));
                }
            };
            let line = text(line);
            if let Some(reason) = line.strip_prefix("ERR ") {
                return Ok(FetchOutcome::Refused(reason.chars().take(200).collect()));
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
        // Note the shallow commits before the pack arrives: git must know at once that their parents are missing.
        local::add_shallow(lease.path(), &shallow)
            .map_err(|error| failed(Step::Access, error.to_string()))?;
        self.pack(connection, lease).await
    }

    /// Gives the pack that comes to `git index-pack`.
    async fn pack(&self, connection: &mut Connection, lease: &Lease) -> Result<FetchOutcome, ReceiveError> {
        let call = self.program.local("index-pack", Step::Access, lease.path());
        let call = call.args([
            "-c",
            "core.fsync=none",
            "index-pack",
            "--stdin",
            "--fix-thin",
            "--promisor=stoa",
        ]);
        let limits = self.program.runner().settings().limits;
        // It goes as the server sends, and in the place of the connection.
        let mut group = call.converse(None)?;
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
                    // If index-pack has ended, its standard error says why. Read the rest of the answer in any case.
                    ended = ended || stdin.write_all(data).await.is_err();
                }
                Some((3, reason)) => {
                    let reason = String::from_utf8_lossy(reason);
                    return Ok(FetchOutcome::Refused(reason.trim().chars().take(200).collect()));
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
            if let Some(error) = limits.exceeded(VcsKind::Git, Step::Access, status, &said) {
                return Err(error.into());
            }
            return Err(failed(Step::Access, format!("index-pack: {said}")).into());
        }
        self.counters().add("bytes", bytes);
        Ok(FetchOutcome::Done)
    }
}
