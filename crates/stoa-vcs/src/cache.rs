//! The local copies of repositories, bounded in bytes.

mod files;
mod lease;

pub use lease::Lease;

use std::any::Any;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// Where caches of other processes are.
const PRIVATE: &str = "private";

/// A folder of repositories, one process's own.
///
/// A repository is a folder named after the hash of its URL, which appears whole or not at all: it is made beside its
/// place and renamed. When all of them hold more bytes than allowed, those go that were not used for longest, never one
/// that is in use. What a process that was killed left half-made is recognised by its name and goes when the cache is
/// opened.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
    limit: u64,
    state: Mutex<State>,
    shared: Mutex<HashMap<String, Weak<dyn Any + Send + Sync>>>,
    /// Held as long as the cache is open, so that locks inside of repositories are known to be stale.
    _lock: File,
    /// Its folder, if that goes with it.
    _temporary: Option<TempDir>,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<String, Held>,
    /// Counts uses, and names of temporary folders.
    clock: u64,
}

#[derive(Debug, Default)]
struct Held {
    users: usize,
    size: u64,
    used: u64,
}

impl Cache {
    /// Opens the cache in `root`, which is made if it is missing, for at most `limit` bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another process has it open; else what the file system says.
    pub fn open(root: impl Into<PathBuf>, limit: u64) -> io::Result<Arc<Self>> {
        Self::open_in(&root.into(), limit, None)
    }

    /// Opens the cache in `root`, or, if another process has it open, one of our own inside of it, which begins empty and
    /// is removed with this. What a process that was killed has left of such a one goes when any is opened.
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
                // Somebody who cleans up took it for left over, in the moment before it was locked.
                Err(_) if tries < 3 => {}
                opened => {
                    tracing::info!(folder = %place.display(), "another process has the cache of repositories: this one fetches for itself");
                    return opened;
                }
            }
        }
    }

    fn open_in(root: &Path, limit: u64, temporary: Option<TempDir>) -> io::Result<Arc<Self>> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        let root = root.canonicalize()?;
        let lock = files::lock(&root)?;
        if root.join(PRIVATE).try_exists()? {
            files::sweep(&root.join(PRIVATE))?;
        }
        if root.join("sessions").try_exists()? {
            files::remove(&root.join("sessions"))?;
        }
        for folder in ["home", "repositories", "sessions"] {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true).mode(0o700).create(root.join(folder))?;
        }
        let cache = Self {
            state: Mutex::new(State::default()),
            shared: Mutex::default(),
            _lock: lock,
            _temporary: temporary,
            limit,
            root,
        };
        cache.take_stock()?;
        Ok(Arc::new(cache))
    }

    /// An empty folder, the `HOME` of programs.
    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// A folder for what only one run of a program needs; what is left in it goes when the cache is opened.
    pub fn sessions(&self) -> PathBuf {
        self.root.join("sessions")
    }

    /// The name of the repository at `url` of the system `vcs`.
    pub fn key(vcs: crate::VcsKind, url: &str) -> String {
        let sum = Sha256::digest(format!("{vcs}:{url}"));
        let mut key = format!("{vcs}-");
        for byte in sum.iter().take(16) {
            let _ = write!(key, "{byte:02x}");
        }
        key
    }

    /// How many bytes all repositories hold, as last measured.
    pub fn size(&self) -> u64 {
        self.state.lock().entries.values().map(|held| held.size).sum()
    }

    /// The right to use the folder of a repository, which need not be there yet.
    pub fn lease(self: &Arc<Self>, key: &str) -> Lease {
        let mut state = self.state.lock();
        state.clock += 1;
        let used = state.clock;
        let held = state.entries.entry(key.to_owned()).or_default();
        held.users += 1;
        held.used = used;
        drop(state);
        Lease::new(Arc::clone(self), key.to_owned())
    }

    /// What all handles of the repository `key` share; made by the first of them, gone with the last.
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

    fn repositories(&self) -> PathBuf {
        self.root.join("repositories")
    }

    fn path(&self, key: &str) -> PathBuf {
        self.repositories().join(key)
    }

    /// A new name beside the repositories.
    fn aside(&self, what: &str) -> PathBuf {
        let mut state = self.state.lock();
        state.clock += 1;
        self.repositories().join(format!("{what}.{}", state.clock))
    }

    /// Finds what is there, throws away what is half-made.
    fn take_stock(&self) -> io::Result<()> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.repositories())? {
            let entry = entry?;
            let name = entry.file_name().into_string().unwrap_or_default();
            if name.is_empty() || name.contains('.') {
                files::remove(&entry.path())?;
                continue;
            }
            found.push((entry.metadata()?.modified()?, files::size(&entry.path()), name));
        }
        found.sort();
        let mut state = self.state.lock();
        for (_, size, name) in found {
            state.clock += 1;
            let used = state.clock;
            state.entries.insert(name, Held { users: 0, size, used });
        }
        drop(state);
        self.shrink();
        Ok(())
    }

    /// Ends a use; `size` is how large the repository was found to be.
    fn release(&self, key: &str) {
        if let Some(held) = self.state.lock().entries.get_mut(key) {
            held.users -= 1;
        }
        self.shrink();
    }

    fn resize(&self, key: &str, size: u64) {
        if let Some(held) = self.state.lock().entries.get_mut(key) {
            held.size = size;
        }
    }

    /// Throws away what was not used for longest until the rest fits.
    fn shrink(&self) {
        while let Some(moved) = self.move_oldest() {
            // What cannot be removed is found when the cache is opened the next time.
            let _ = files::remove(&moved);
        }
    }

    /// Takes the repository that was not used for longest out of its place, if there is too much.
    fn move_oldest(&self) -> Option<PathBuf> {
        let mut state = self.state.lock();
        let total: u64 = state.entries.values().map(|held| held.size).sum();
        if total <= self.limit {
            return None;
        }
        let idle = state
            .entries
            .iter()
            .filter(|(_, held)| held.users == 0 && held.size > 0);
        let key = idle
            .min_by_key(|(_, held)| held.used)
            .map(|(key, _)| key.clone())?;
        state.clock += 1;
        let aside = self.repositories().join(format!("old.{}", state.clock));
        // Under the lock: who asks for it now must find it whole, or gone.
        let moved = fs::rename(self.path(&key), &aside);
        state.entries.remove(&key);
        moved.ok().map(|()| aside)
    }

    fn discard(&self, path: &Path) -> io::Result<()> {
        let aside = self.aside("old");
        match fs::rename(path, &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            moved => moved.and_then(|()| files::remove(&aside)),
        }
    }

    /// Puts a repository that `fill` makes at its place, unless there is one.
    fn create(&self, key: &str, fill: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        let path = self.path(key);
        if path.try_exists()? {
            return Ok(());
        }
        let aside = self.aside("new");
        fs::DirBuilder::new().mode(0o700).create(&aside)?;
        let made = fill(&aside).and_then(|()| fs::rename(&aside, &path));
        if made.is_err() {
            files::remove(&aside)?;
        }
        // Somebody else may have been quicker.
        if path.try_exists()? { Ok(()) } else { made }
    }
}
