//! The local copies of repositories, bounded in bytes.

mod authorities;
mod files;
mod folders;
mod lease;

pub use lease::Lease;

use std::any::Any;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::{VcsKind, leftovers};
use folders::Folders;

/// The folder of private caches.
const PRIVATE: &str = "private";
/// The folder of the files of single runs.
const SESSIONS: &str = "sessions";
/// The folder of the repositories.
const REPOSITORIES: &str = "repositories";

/// A folder of repositories, one process's own.
///
/// A repository is a folder named after the hash of its URL. It appears whole or not at all: it is made beside its place
/// and renamed. When all of them hold more bytes than the limit, the least recently used are evicted, never one that is in
/// use. What a killed process left half-made is recognised by its name and removed when the cache is opened.
#[derive(Debug)]
pub struct Cache {
    folders: Arc<Folders>,
    shared: Mutex<HashMap<String, Weak<dyn Any + Send + Sync>>>,
}

impl Cache {
    /// Opens the cache in `root`, which is made if it is missing, for at most `limit` bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another process has it open; else what the file system says.
    pub fn open(root: impl Into<PathBuf>, limit: u64) -> io::Result<Arc<Self>> {
        Self::open_in(&root.into(), limit, None)
    }

    /// Opens the cache in `root`, or, if another process has it open, a private one inside of it, which begins empty and
    /// is removed when it is dropped. Private caches that killed processes left are removed when any cache is opened.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open_or_private(root: impl Into<PathBuf>, limit: u64) -> io::Result<Arc<Self>> {
        let root = root.into();
        match Self::open(&root, limit) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            opened => return opened,
        }
        let private = root.join(PRIVATE);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&private)?;
        files::sweep(&private)?;
        let mut tries = 0;
        loop {
            let folder = tempfile::Builder::new().prefix("cache-").tempdir_in(&private)?;
            let place = folder.path().to_owned();
            tries += 1;
            match Self::open_in(&place, limit, Some(folder)) {
                // A process that sweeps may remove the folder before it is locked; try again.
                Err(_) if tries < 3 => {}
                opened => {
                    tracing::info!(folder = %place.display(), "another process has the cache of repositories: this one fetches for itself");
                    return opened;
                }
            }
        }
    }

    /// Removes what a killed process has left in the cache in `root`, which is not opened: the files of single runs, among them
    /// secrets that were written for programs, and what fetches did not finish, which may fill the disk. A cache that another
    /// process has open is left alone.
    ///
    /// # Errors
    /// What the file system says.
    pub fn clear_leftovers(root: &Path) -> io::Result<()> {
        let (sessions, private) = (root.join(SESSIONS), root.join(PRIVATE));
        if !sessions.try_exists()? && !private.try_exists()? {
            return Ok(());
        }
        match files::lock(root) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
            Ok(_lock) => Self::clear(root),
        }
    }

    /// What killed processes have left in a cache that is locked.
    fn clear(root: &Path) -> io::Result<()> {
        if root.join(PRIVATE).try_exists()? {
            files::sweep(&root.join(PRIVATE))?;
        }
        if root.join(SESSIONS).try_exists()? {
            files::remove(&root.join(SESSIONS))?;
        }
        leftovers::clear(&root.join(REPOSITORIES))
    }

    fn open_in(root: &Path, limit: u64, temporary: Option<TempDir>) -> io::Result<Arc<Self>> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        let root = root.canonicalize()?;
        let lock = files::lock(&root)?;
        Self::clear(&root)?;
        for folder in ["home", REPOSITORIES, SESSIONS] {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true).mode(0o700).create(root.join(folder))?;
        }
        Ok(Arc::new(Self {
            folders: Arc::new(Folders::open(root, limit, lock, temporary)?),
            shared: Mutex::default(),
        }))
    }

    /// An empty folder, the `HOME` of programs.
    pub fn home(&self) -> PathBuf {
        self.folders.root().join("home")
    }

    /// A folder for the files of single runs of programs. What is left in it is removed when the cache is opened.
    pub fn sessions(&self) -> PathBuf {
        self.folders.root().join(SESSIONS)
    }

    /// Keeps a file of certificate authorities, a PEM text, for the programs. Nothing else is in its folder.
    ///
    /// # Errors
    /// What the file system says, and for a name that settings of programs cannot have.
    pub fn keep_authorities(&self, pem: &str) -> io::Result<PathBuf> {
        authorities::write(self.folders.root(), pem)
    }

    /// The name of the repository at `url` of the system `vcs`, of the audience without a name.
    pub fn key(vcs: VcsKind, url: &str) -> String {
        Self::key_for(vcs, url, "")
    }

    /// The name of the repository at `url` of the system `vcs`, for one audience: what one of them was let in to read is
    /// never there for another.
    pub fn key_for(vcs: VcsKind, url: &str, audience: &str) -> String {
        let asked = match audience {
            "" => format!("{vcs}:{url}"),
            // No URL has a space.
            audience => format!("{vcs}:{url} {audience}"),
        };
        let sum = Sha256::digest(asked);
        let mut key = format!("{vcs}-");
        for byte in sum.iter().take(16) {
            let _ = write!(key, "{byte:02x}");
        }
        key
    }

    /// How many bytes all repositories hold, as last measured.
    pub fn size(&self) -> u64 {
        self.folders.size()
    }

    /// The right to use the folder of a repository, which need not be there yet.
    pub fn lease(&self, key: &str) -> Lease {
        Lease::new(Arc::clone(&self.folders), key.to_owned())
    }

    /// The state that all handles of the repository `key` share: made for the first of them, dropped with the last.
    pub fn shared<T: Any + Send + Sync>(&self, key: &str, make: impl FnOnce() -> T) -> Arc<T> {
        let mut shared = self.shared.lock();
        let there = shared.get(key).and_then(Weak::upgrade);
        if let Some(there) = there.and_then(|any| any.downcast::<T>().ok()) {
            return there;
        }
        shared.retain(|_, any| any.strong_count() > 0);
        let made = Arc::new(make());
        let any: Arc<dyn Any + Send + Sync> = Arc::<T>::clone(&made);
        shared.insert(key.to_owned(), Arc::downgrade(&any));
        made
    }
}
