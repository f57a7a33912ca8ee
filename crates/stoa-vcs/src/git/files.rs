//! One file.

use bytes::Bytes;

use super::GitRepository;
use super::objects::{Answer, ObjectKind};
use super::program::failed;
use super::resolve::LARGEST;
use super::tree::{Mode, find};
use crate::cache::Lease;
use crate::{RevisionId, Step, VcsError};

/// A folder of a commit, found.
#[derive(Debug)]
pub(super) struct Folder {
    /// The hash of its tree.
    pub(super) tree: String,
    /// The hashes of the `.gitattributes` in the folders above it.
    pub(super) attributes: Vec<String>,
    /// Whether anything is called `.gitattributes` above it.
    pub(super) has_attributes: bool,
}

impl GitRepository {
    /// The bytes of a file as they are stored, as `git cat-file` shows them.
    pub(super) async fn read(
        &self,
        at: &RevisionId,
        path: &str,
        limit: u64,
    ) -> Result<Option<Bytes>, VcsError> {
        let (lease, commit) = self.commit(at, Step::File).await?;
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(folder) = self.folder(&lease, commit.tree, folder, Step::File).await? else {
            return Ok(None);
        };
        let tree = self.tree(&lease, &folder.tree, Step::File).await?;
        let Some((Mode::Blob, id)) = find(&tree, name.as_bytes(), folder.tree.len() / 2) else {
            return Ok(None);
        };
        let (kind, bytes) = self.fetched(&lease, &id, limit, Step::File).await?;
        Ok((kind == ObjectKind::Blob).then(|| bytes.into()))
    }

    /// The folder at `path` below a tree; `None` if there is none. The path never reaches git.
    pub(super) async fn folder(
        &self,
        lease: &Lease,
        root: String,
        path: &str,
        step: Step,
    ) -> Result<Option<Folder>, VcsError> {
        let mut folder = Folder {
            tree: root,
            attributes: Vec::new(),
            has_attributes: false,
        };
        if path.is_empty() {
            return Ok(Some(folder));
        }
        for name in path.split('/') {
            let tree = self.tree(lease, &folder.tree, step).await?;
            let width = folder.tree.len() / 2;
            let attributes = find(&tree, b".gitattributes", width);
            folder.has_attributes |= attributes.is_some();
            folder.attributes.extend(
                attributes
                    .filter(|(mode, _)| *mode == Mode::Blob)
                    .map(|(_, id)| id),
            );
            let Some((Mode::Tree, id)) = find(&tree, name.as_bytes(), width) else {
                return Ok(None);
            };
            folder.tree = id;
        }
        Ok(Some(folder))
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
