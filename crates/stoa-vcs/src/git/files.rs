//! One file.

use bytes::Bytes;

use super::GitRepository;
use super::objects::{Answer, ObjectKind};
use super::program::{failed, malformed};
use super::resolve::LARGEST;
use super::tree::{Mode, find};
use crate::cache::Lease;
use crate::{RevisionId, Step, VcsError};

impl GitRepository {
    /// The bytes of a file as they are stored, as `git cat-file` shows them.
    pub(super) async fn read(
        &self,
        at: &RevisionId,
        path: &str,
        limit: u64,
    ) -> Result<Option<Bytes>, VcsError> {
        let (lease, commit) = self.commit(at, Step::File).await?;
        let Some((Mode::Blob, id)) = self.walk(&lease, commit.tree, path, Step::File).await? else {
            return Ok(None);
        };
        let (kind, bytes) = self.fetched(&lease, &id, limit, Step::File).await?;
        Ok((kind == ObjectKind::Blob).then(|| bytes.into()))
    }

    /// What is at `path` below a tree; `None` if there is nothing. The path never reaches git.
    pub(super) async fn walk(
        &self,
        lease: &Lease,
        root: String,
        path: &str,
        step: Step,
    ) -> Result<Option<(Mode, String)>, VcsError> {
        // Git would take a slash at the end; no file and no folder is called so.
        if path.ends_with('/') {
            return Ok(None);
        }
        let (mut mode, mut id, mut rest) = (Mode::Tree, root, path.as_bytes());
        while !rest.is_empty() {
            let tree = self.tree(lease, &id, step).await?;
            let found = find(&tree, rest, id.len() / 2).map_err(|flaw| malformed(step, flaw))?;
            let Some(found) = found else {
                return Ok(None);
            };
            (mode, id, rest) = (found.mode, found.id, found.rest);
        }
        Ok(Some((mode, id)))
    }

    /// The content of a tree.
    pub(super) async fn tree(&self, lease: &Lease, id: &str, step: Step) -> Result<Vec<u8>, VcsError> {
        match self.fetched(lease, id, LARGEST, step).await? {
            (ObjectKind::Tree, bytes) => Ok(bytes),
            (kind, _) => Err(failed(step, format!("{id} is a {kind:?}, not a tree"))),
        }
    }

    /// An object that must exist, fetched if it was left out before.
    async fn fetched(
        &self,
        lease: &Lease,
        id: &str,
        limit: u64,
        step: Step,
    ) -> Result<(ObjectKind, Vec<u8>), VcsError> {
        if let Answer::Object { kind, bytes, .. } = self.object(lease, id, limit, step).await? {
            return Ok((kind, bytes));
        }
        self.fetch_objects(lease, &[id.to_owned()], step).await?;
        match self.object(lease, id, limit, step).await? {
            Answer::Object { kind, bytes, .. } => Ok((kind, bytes)),
            _ => Err(failed(step, format!("the server did not send {id}"))),
        }
    }
}
