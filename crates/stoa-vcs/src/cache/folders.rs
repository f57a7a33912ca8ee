//! The folders of repositories, and which of them go.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use tempfile::TempDir;

use super::files;

/// The folders of the repositories of a cache, and how large each was found to be.
#[derive(Debug)]
pub(super) struct Folders {
    root: PathBuf,
    limit: u64,
    state: Mutex<State>,
    /// Held as long as any folder is used, so that locks inside of repositories are known to be stale.
    _lock: File,
    /// The folder of the cache, if it is removed with the cache.
    _temporary: Option<TempDir>,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<String, Entry>,
    /// Counts uses, and names of temporary folders.
    clock: u64,
}

#[derive(Debug, Default)]
struct Entry {
    users: usize,
    size: u64,
    used: u64,
}

impl Folders {
    /// The folders below `root`, which `lock` holds. What is half-made is removed.
    pub(super) fn open(
        root: PathBuf,
        limit: u64,
        lock: File,
        temporary: Option<TempDir>,
    ) -> io::Result<Self> {
        let folders = Self {
            root,
            limit,
            state: Mutex::default(),
            _lock: lock,
            _temporary: temporary,
        };
        folders.take_stock()?;
        Ok(folders)
    }

    /// The folder of the cache.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// How many bytes all repositories hold, as last measured.
    pub(super) fn size(&self) -> u64 {
        self.state.lock().entries.values().map(|entry| entry.size).sum()
    }

    /// Begins a use of the folder of a repository.
    pub(super) fn hold(&self, key: &str) {
        let mut state = self.state.lock();
        state.clock += 1;
        let used = state.clock;
        let entry = state.entries.entry(key.to_owned()).or_default();
        entry.users += 1;
        entry.used = used;
    }

    fn repositories(&self) -> PathBuf {
        self.root.join("repositories")
    }

    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.repositories().join(key)
    }

    /// A new name beside the repositories.
    fn aside(&self, what: &str) -> PathBuf {
        let mut state = self.state.lock();
        state.clock += 1;
        self.repositories().join(format!("{what}.{}", state.clock))
    }

    /// Finds the repositories that are there, and removes what is half-made.
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
            state.entries.insert(name, Entry { users: 0, size, used });
        }
        drop(state);
        self.shrink();
        Ok(())
    }

    /// Ends a use; `size` is how large the repository was found to be.
    pub(super) fn release(&self, key: &str) {
        if let Some(entry) = self.state.lock().entries.get_mut(key) {
            entry.users -= 1;
        }
        self.shrink();
    }

    pub(super) fn resize(&self, key: &str, size: u64) {
        if let Some(entry) = self.state.lock().entries.get_mut(key) {
            entry.size = size;
        }
    }

    /// Evicts what was not used for longest until the rest fits.
    fn shrink(&self) {
        while let Some(moved) = self.move_oldest() {
            // What cannot be removed is found when the cache is opened the next time.
            let _ = files::remove(&moved);
        }
    }

    /// Takes the repository that was not used for longest out of its place, if there is too much.
    fn move_oldest(&self) -> Option<PathBuf> {
        let mut state = self.state.lock();
        let total: u64 = state.entries.values().map(|entry| entry.size).sum();
        if total <= self.limit {
            return None;
        }
        let idle = state
            .entries
            .iter()
            .filter(|(_, entry)| entry.users == 0 && entry.size > 0);
        let key = idle
            .min_by_key(|(_, entry)| entry.used)
            .map(|(key, _)| key.clone())?;
        state.clock += 1;
        let aside = self.repositories().join(format!("old.{}", state.clock));
        // Rename under the lock: a caller that asks for the repository now must find it whole, or not at all.
        let moved = fs::rename(self.path(&key), &aside);
        state.entries.remove(&key);
        moved.ok().map(|()| aside)
    }

    pub(super) fn discard(&self, path: &Path) -> io::Result<()> {
        let aside = self.aside("old");
        match fs::rename(path, &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            moved => moved.and_then(|()| files::remove(&aside)),
        }
    }

    /// Puts a repository that `fill` makes at its place, unless there is one.
    pub(super) fn create(&self, key: &str, fill: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        let path = self.path(key);
        if path.try_exists()? {
            return Ok(());
        }
        let aside = self.aside("new");
        DirBuilder::new().mode(0o700).create(&aside)?;
        let made = fill(&aside).and_then(|()| fs::rename(&aside, &path));
        if made.is_err() {
            files::remove(&aside)?;
        }
        // Another caller may have made it first.
        if path.try_exists()? { Ok(()) } else { made }
    }
}
