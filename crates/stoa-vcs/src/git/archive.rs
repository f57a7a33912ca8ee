//! All files of a folder.

use std::collections::HashSet;
use std::io::{self, BufReader, Cursor};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::GitRepository;
use super::file_list::{FileList, ListError, MOST, OVERHEAD};
use super::pack_index;
use super::program::{GITS_OWN_THRESHOLD, failed, malformed};
use super::state::RepositoryState;
use super::tree::Mode;
use crate::cache::Lease;
use crate::process::Stream;
use crate::tar::{TarKind, TarReader};
use crate::{Archive, Entry, EntryKind, KnownContents, RevisionId, Step, VcsError, VcsKind};

/// How many bytes of a list are read at once.
const PIECE: usize = 64 << 10;

impl GitRepository {
    /// The files below `subdir` as `git archive` gives them: line ends, encodings and `$Id$` as the attributes of the
    /// repository say, nothing left out or filled in, no filters.
    ///
    /// Where there are no attributes it gives what is stored. Then git need not look at it, and what is `known` is
    /// neither fetched nor read.
    pub(super) async fn export(
        &self,
        at: &RevisionId,
        subdir: &str,
        limit: u64,
        known: &dyn KnownContents,
    ) -> Result<Box<dyn Archive>, VcsError> {
        let (lease, commit) = self.commit(at, Step::Archive).await?;
        let root = commit.tree;
        let folder = self.walk(&lease, root.clone(), subdir, Step::Archive).await?;
        let Some((Mode::Tree, _)) = folder else {
            return Ok(Box::new(EmptyArchive));
        };
        // Fetches the trees if they were left out.
        self.tree(&lease, &root, Step::Archive).await?;
        let list = self.list_tree(&lease, &root, subdir).await?;
        if list.is_plain {
            return self.export_blobs(lease, list.files, limit, known).await;
        }
        let missing = self.missing(&lease, list.ids()).await?;
        if !missing.is_empty() {
            self.fetch_objects(&lease, &missing, Step::Archive).await?;
        }
        self.run_archive(lease, at, subdir, limit).await
    }

    /// Starts `git archive`, all of whose objects are there.
    async fn run_archive(
        &self,
        lease: Lease,
        at: &RevisionId,
        subdir: &str,
        limit: u64,
    ) -> Result<Box<dyn Archive>, VcsError> {
        let call = self.program.local("archive", Step::Archive, lease.path());
        let call = call.args([
            "-c",
            "core.autocrlf=input",
            "-c",
            "core.eol=lf",
            "-c",
            "core.attributesFile=/dev/null",
            "-c",
            GITS_OWN_THRESHOLD,
        ]);
        let call = call.args(["archive", "--format=tar", "--end-of-options", at.as_str()]);
        let call = if subdir.is_empty() {
            call
        } else {
            call.args([subdir])
        };
        let stream = call.limit(limit.saturating_add(MOST * OVERHEAD)).stream().await?;
        let mut strip = subdir.as_bytes().to_vec();
        if !strip.is_empty() {
            strip.push(b'/');
        }
        Ok(Box::new(GitArchive {
            tar: TarReader::new(stream),
            strip,
            link: Cursor::default(),
            left: limit,
            limit,
            count: 0,
            state: Arc::clone(&self.state),
            _lease: lease,
        }))
    }

    /// What `git ls-tree` lists of all that is below the tree of a commit, of which the files in `subdir` are kept.
    async fn list_tree(&self, lease: &Lease, tree: &str, subdir: &str) -> Result<FileList, VcsError> {
        let call = self.program.local("ls-tree", Step::Archive, lease.path());
        let call = call.args(["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", tree]);
        let stream = call.limit(MOST * OVERHEAD).stream().await?;
        let subdir = subdir.to_owned();
        let read = move || FileList::read(BufReader::with_capacity(PIECE, stream), &subdir);
        let read = tokio::task::spawn_blocking(read).await;
        let read = read.map_err(|error| failed(Step::Archive, error.to_string()))?;
        read.map_err(|error| match error {
            ListError::Malformed(what) => malformed(Step::Archive, what),
            ListError::TooLarge(limit) => VcsError::TooLarge {
                vcs: VcsKind::Git,
                step: Step::Archive,
                limit,
            },
            ListError::Io(error) => with_flaw(VcsError::from_io(&error, VcsKind::Git, Step::Archive)),
        })
    }

    /// Those of `ids` that the local copy lacks.
    pub(super) async fn missing(&self, lease: &Lease, ids: HashSet<String>) -> Result<Vec<String>, VcsError> {
        let dir = lease.path().to_owned();
        let look = tokio::task::spawn_blocking(move || {
            let mut ids = ids;
            pack_index::take_known(&dir, &mut ids).map(|()| ids)
        });
        let missing = look.await.map_err(io::Error::other).and_then(|missing| missing);
        let missing = missing.map_err(|error| failed(Step::Archive, error.to_string()))?;
        Ok(missing.into_iter().collect())
    }
}

/// What git says of trees that it takes from nobody (`tree-walk.c`, `unpack-trees.c`, `archive-zip.c`).
const FLAWS: [&str; 6] = [
    "too-short tree object",
    "too-short tree file",
    "malformed mode in tree entry",
    "empty filename in tree entry",
    "exceeded maximum allowed tree depth",
    "error: invalid path ",
];

/// The failure of git, as the flaw of the repository that it is if git says so.
fn with_flaw(error: VcsError) -> VcsError {
    match error {
        VcsError::Failed { said, .. } if FLAWS.iter().any(|flaw| said.contains(flaw)) => {
            malformed(Step::Archive, said)
        }
        error => error,
    }
}

/// The archive of a folder that is not there.
struct EmptyArchive;

#[deny(clippy::missing_trait_methods)]
impl Archive for EmptyArchive {
    fn next_entry(&mut self) -> Result<Option<Entry<'_>>, VcsError> {
        Ok(None)
    }
}

/// What `git archive` prints.
struct GitArchive {
    tar: TarReader<Stream>,
    strip: Vec<u8>,
    link: Cursor<Vec<u8>>,
    left: u64,
    limit: u64,
    count: u64,
    state: Arc<RepositoryState>,
    /// The repository stays while it is read.
    _lease: Lease,
}

impl GitArchive {
    fn too_large(&self) -> VcsError {
        VcsError::TooLarge {
            vcs: VcsKind::Git,
            step: Step::Archive,
            limit: self.limit,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Archive for GitArchive {
    fn next_entry(&mut self) -> Result<Option<Entry<'_>>, VcsError> {
        let suspect = &self.state.health.suspect;
        let io = |error: io::Error| {
            let error = with_flaw(VcsError::from_io(&error, VcsKind::Git, Step::Archive));
            suspect.fetch_or(matches!(error, VcsError::Failed { .. }), Ordering::AcqRel);
            error
        };
        loop {
            let Some(header) = self.tar.next_header().map_err(io)? else {
                return Ok(None);
            };
            self.count += 1;
            let size = match header.kind {
                TarKind::Folder => continue,
                TarKind::Symlink => header.link.len() as u64,
                _ => header.size,
            };
            self.left = match self.left.checked_sub(size) {
                Some(left) if self.count <= MOST => left,
                _ => return Err(self.too_large()),
            };
            let Some(path) = header.path.strip_prefix(self.strip.as_slice()) else {
                return Err(failed(
                    Step::Archive,
                    "git archive gave a file outside of the folder",
                ));
            };
            let path = path.to_vec();
            let kind = match header.kind {
                TarKind::File => EntryKind::File,
                TarKind::Symlink => EntryKind::Symlink,
                _ => EntryKind::Other,
            };
            let content: &mut dyn io::Read = if kind == EntryKind::Symlink {
                self.link = Cursor::new(header.link);
                &mut self.link
            } else {
                &mut self.tar
            };
            return Ok(Some(Entry {
                path,
                kind,
                id: None,
                size,
                content,
            }));
        }
    }
}
