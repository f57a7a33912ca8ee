//! Reading what adapters give.

use std::collections::BTreeMap;

use crate::{Archive, EntryKind, Repository, RevisionId, Step, VcsError, VcsKind};

/// An archive: what there is at each path, and its content.
pub type ArchivedFiles = BTreeMap<Vec<u8>, (EntryKind, Vec<u8>)>;

/// All of the archive of a folder.
///
/// # Errors
/// What [`Repository::archive`] and the archive say.
///
/// # Panics
/// When an entry is not as long as it says, or a path comes twice.
pub async fn archived_files(
    repository: &dyn Repository,
    at: &RevisionId,
    subdir: &str,
    limit: u64,
) -> Result<ArchivedFiles, VcsError> {
    let archive = repository.archive(at, subdir, limit).await?;
    drain(archive, repository.vcs()).await
}

/// All that is left of an archive.
pub(super) async fn drain(mut archive: Box<dyn Archive>, vcs: VcsKind) -> Result<ArchivedFiles, VcsError> {
    let read = move || {
        let mut files = ArchivedFiles::new();
        while let Some(entry) = archive.next_entry()? {
            let mut content = Vec::new();
            let read = entry.content.read_to_end(&mut content);
            read.map_err(|error| VcsError::from_io(&error, vcs, Step::Archive))?;
            assert_eq!(entry.size, content.len() as u64, "{}", entry.path.escape_ascii());
            assert!(files.insert(entry.path, (entry.kind, content)).is_none());
        }
        Ok(files)
    };
    tokio::task::spawn_blocking(read).await.expect("no panic")
}

/// The paths of an archive as text, in order.
pub fn names(files: &ArchivedFiles) -> Vec<String> {
    let names = files.keys().map(|path| path.escape_ascii().to_string());
    names.collect()
}

/// What an archive has of a regular file with this content.
pub fn file(text: &str) -> (EntryKind, Vec<u8>) {
    (EntryKind::File, text.as_bytes().to_vec())
}

/// What an archive has of a symbolic link that points there.
pub fn link(to: &str) -> (EntryKind, Vec<u8>) {
    (EntryKind::Symlink, to.as_bytes().to_vec())
}

/// The content of a file of up to 1 MiB, as text; `None` if there is no such file.
///
/// # Panics
/// When the repository fails.
pub async fn read_text(repository: &dyn Repository, at: &RevisionId, path: &str) -> Option<String> {
    let read = repository.read_file(at, path, 1 << 20).await;
    let read = read.unwrap_or_else(|error| panic!("{path:?}: {error}"));
    read.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The names of the tags that begin with `prefix`.
///
/// # Panics
/// When the repository fails.
pub async fn tag_names(repository: &dyn Repository, prefix: &str) -> Vec<String> {
    let tags = repository.tags(prefix).await.expect("tags");
    tags.list.into_iter().map(|tag| tag.name).collect()
}
