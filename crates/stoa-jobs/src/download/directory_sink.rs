//! Finished downloads in a folder.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};
use sha2::{Digest as _, Sha256};

use super::{
    digest::feed,
    sink::{Existing, FileMeta, FinishedFile, Sink, SinkError, object_name},
};
use crate::{JobId, hex::hex};

/// Where copies from another volume arrive.
const INCOMING: &str = ".incoming";
/// After which time a copy that nobody finished is removed.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// Keeps finished downloads in a folder, as `ABC/ABCDEFGHIJKLMN`. From a temporary folder of the same volume a file is moved;
/// from another one it is copied first.
#[derive(Clone, Debug)]
pub struct DirectorySink {
    root: PathBuf,
}

impl DirectorySink {
    /// The sink of a folder, which is made if it is not there. Copies that an earlier process has left are removed when they
    /// are a day old.
    pub fn new(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        let incoming = root.join(INCOMING);
        fs::create_dir_all(&incoming)?;
        for entry in fs::read_dir(&incoming)? {
            let path = entry?.path();
            let modified = fs::metadata(&path).and_then(|data| data.modified());
            let age = modified.ok().and_then(|modified| modified.elapsed().ok());
            if age.is_some_and(|age| age > ABANDONED) {
                // Another process of the same folder may be faster.
                let _ = fs::remove_file(&path);
            }
        }
        Ok(Self { root })
    }

    /// Where the file of a job is, or would be.
    pub fn path(&self, id: &JobId) -> PathBuf {
        self.root.join(object_name(id))
    }

    fn publish_file(
        &self,
        file: &Path,
        id: &JobId,
        meta: &FileMeta,
        existing: Existing,
    ) -> Result<String, SinkError> {
        let target = self.path(id);
        let folder = target.parent().unwrap_or(&self.root);
        match fs::create_dir(folder) {
            Ok(()) => sync_folder(&self.root)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
        match place(file, &target, existing) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let copy = self.copy(file, id)?;
                place(&copy.0, &target, existing)
            }
            placed => placed,
        }
        .or_else(|error| {
            if error.kind() != io::ErrorKind::AlreadyExists {
                return Err(SinkError::Local(error));
            }
            if digest(&target)? == meta.sha256 {
                Ok(())
            } else {
                Err(SinkError::Conflict)
            }
        })?;
        sync_folder(folder)?;
        Ok(object_name(id))
    }

    fn copy(&self, file: &Path, id: &JobId) -> io::Result<Copy> {
        let name = format!("{id}-{:016x}", fastrand::u64(..));
        let copy = Copy(self.root.join(INCOMING).join(name));
        let mut to = OpenOptions::new().write(true).create_new(true).open(&copy.0)?;
        io::copy(&mut File::open(file)?, &mut to)?;
        to.sync_all()?;
        Ok(copy)
    }
}

/// A copy that is removed unless it has been moved away.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Gives a file another name.
fn place(file: &Path, target: &Path, existing: Existing) -> io::Result<()> {
    if existing == Existing::IsReplaced {
        return fs::rename(file, target);
    }
    match renameat_with(CWD, file, CWD, target, RenameFlags::NOREPLACE) {
        // Not every file system can rename without replacing. The other name of a link is removed by its owner.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => fs::hard_link(file, target),
        renamed => Ok(renamed?),
    }
}

fn digest(path: &Path) -> io::Result<String> {
    let mut digest = Sha256::new();
    feed(&mut digest, &mut File::open(path)?)?;
    Ok(hex(&digest.finalize()))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[async_trait]
impl Sink for DirectorySink {
    async fn publish(
        &self,
        file: FinishedFile,
        id: &JobId,
        meta: &FileMeta,
        existing: Existing,
    ) -> Result<String, SinkError> {
        let (sink, id, meta) = (self.clone(), id.clone(), meta.clone());
        let work = move || sink.publish_file(file.path(), &id, &meta, existing);
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|panic| Err(SinkError::Local(io::Error::other(panic))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lab {
        folder: tempfile::TempDir,
        sink: DirectorySink,
        id: JobId,
    }

    impl Lab {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let sink = DirectorySink::new(folder.path().join("files")).expect("a sink");
            let id = "abcdefghijklmn".parse().expect("an id");
            Self { folder, sink, id }
        }

        async fn publish(
            &self,
            from: &Path,
            content: &[u8],
            existing: Existing,
        ) -> Result<String, SinkError> {
            fs::write(from, content).expect("a file");
            let meta = FileMeta {
                sha256: hex(&Sha256::digest(content)),
                bytes: content.len() as u64,
                content_type: "text/plain".to_owned(),
            };
            self.sink
                .publish(FinishedFile::new(from.to_owned()), &self.id, &meta, existing)
                .await
        }

        fn content(&self) -> Vec<u8> {
            fs::read(self.folder.path().join("files/abc/abcdefghijklmn")).expect("a published file")
        }
    }

    async fn publishes_once(lab: &Lab, from: &Path) {
        let location = lab
            .publish(from, b"one", Existing::Stays)
            .await
            .expect("published");
        assert_eq!(location, "abc/abcdefghijklmn");
        lab.publish(from, b"one", Existing::Stays)
            .await
            .expect("published already");
        let other = lab.publish(from, b"two", Existing::Stays).await;
        assert!(matches!(other, Err(SinkError::Conflict)), "{other:?}");
        assert_eq!(lab.content(), b"one");
        lab.publish(from, b"two", Existing::IsReplaced)
            .await
            .expect("replaced");
        assert_eq!(lab.content(), b"two");
        let incoming = lab.folder.path().join("files").join(INCOMING);
        assert_eq!(fs::read_dir(incoming).expect("a folder").count(), 0);
    }

    #[tokio::test]
    async fn other_content_is_replaced_only_on_demand() {
        let lab = Lab::new();
        let from = lab.folder.path().join("part");
        publishes_once(&lab, &from).await;
        assert!(!from.try_exists().expect("an answer"), "the file was moved");
    }

    #[tokio::test]
    async fn files_of_another_volume_are_copied() {
        let lab = Lab::new();
        let from = Path::new("/dev/shm").join(format!("stoa-{:016x}", fastrand::u64(..)));
        publishes_once(&lab, &from).await;
        fs::remove_file(&from).expect("the file is left to its owner");
    }

    #[tokio::test]
    async fn only_old_copies_are_removed_at_the_start() {
        let lab = Lab::new();
        let incoming = lab.folder.path().join("files").join(INCOMING);
        for (name, age) in [("old", ABANDONED * 2), ("new", ABANDONED / 2)] {
            let file = File::create(incoming.join(name)).expect("a file");
            let then = std::time::SystemTime::now() - age;
            file.set_modified(then).expect("a time");
        }
        DirectorySink::new(lab.folder.path().join("files")).expect("a sink");
        let left: Vec<_> = fs::read_dir(incoming)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(left, ["new"]);
    }
}
