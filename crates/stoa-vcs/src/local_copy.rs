//! Local copies of repositories.

use std::collections::HashSet;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::{RevisionId, Step, VcsError, VcsKind};

/// The file that says whose copy a folder is, and that it is whole.
const MARK: &str = "stoa-copy";

/// How often in a row a fetch may fail before the copy is suspected.
const FAILURES: u32 = 2;

/// What a fetch into a copy found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Updated {
    /// The copy has what the repository has.
    Good,
    /// The copy has what the repository has no longer: make a new one.
    Outdated,
}

/// How a system fetches.
pub(crate) trait Fetch: Sync {
    /// Fetches all of the repository into an empty folder.
    fn make(&self, folder: &Path) -> impl Future<Output = Result<(), VcsError>> + Send;

    /// Fetches what is new into a folder that [`Self::make`] filled.
    fn update(&self, folder: &Path) -> impl Future<Output = Result<Updated, VcsError>> + Send;
}

/// The local copy of one repository, made at its first use and then fetched into.
///
/// Parallel callers wait for one fetch. A copy that was not made, or not fetched into, to the end is thrown away; one
/// that is replaced stays on the disk until the last of its readers is done. Nobody else may use the folder.
#[derive(Debug)]
pub(crate) struct LocalCopy {
    vcs: VcsKind,
    dir: PathBuf,
    mark: String,
    freshness: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    adopted: bool,
    next: u64,
    folder: Option<Arc<Folder>>,
    started: Option<Instant>,
    failures: u32,
}

/// The folder of a copy; it is there as long as this.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    retired: AtomicBool,
    known: parking_lot::Mutex<HashSet<RevisionId>>,
}

/// How many commits are remembered to be in a copy.
const KNOWN: usize = 10_000;

impl Folder {
    fn new(path: PathBuf, retired: bool) -> Self {
        Self {
            path,
            retired: AtomicBool::new(retired),
            known: parking_lot::Mutex::default(),
        }
    }

    /// Remembers that this commit is in the copy. Only for systems whose commits stay what they are.
    pub(crate) fn learn(&self, id: &RevisionId) {
        let mut known = self.known.lock();
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(id.clone());
    }

    /// Whether this commit is remembered to be in the copy.
    pub(crate) fn knows(&self, id: &RevisionId) -> bool {
        self.known.lock().contains(id)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !*self.retired.get_mut() {
            return;
        }
        let path = std::mem::take(&mut self.path);
        let remove = move || {
            // What stays is removed at the next start.
            let _ = std::fs::remove_dir_all(path);
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

impl LocalCopy {
    /// A copy of the repository at `url` in `dir`.
    pub(crate) fn new(vcs: VcsKind, url: &str, dir: PathBuf, freshness: Duration) -> Self {
        Self {
            vcs,
            dir,
            mark: format!("1 {vcs} {url}\n"),
            freshness,
            state: Mutex::default(),
        }
    }

    /// The copy, as the repository was when this was called, or a little before if that is fresh enough.
    pub(crate) async fn fresh(&self, fetch: &impl Fetch) -> Result<Arc<Folder>, VcsError> {
        let asked = Instant::now();
        let mut state = self.state.lock().await;
        self.adopt(&mut state).await?;
        let fresh = |started: Instant| started >= asked || started.elapsed() <= self.freshness;
        match state.folder.clone() {
            Some(folder) if state.started.is_some_and(fresh) => Ok(folder),
            Some(folder) => self.update(&mut state, folder, fetch).await,
            None => self.make(&mut state, fetch).await,
        }
    }

    /// The copy, however old.
    pub(crate) async fn any(&self, fetch: &impl Fetch) -> Result<Arc<Folder>, VcsError> {
        let mut state = self.state.lock().await;
        self.adopt(&mut state).await?;
        match state.folder.clone() {
            Some(folder) => Ok(folder),
            None => self.make(&mut state, fetch).await,
        }
    }

    async fn update(
        &self,
        state: &mut State,
        folder: Arc<Folder>,
        fetch: &impl Fetch,
    ) -> Result<Arc<Folder>, VcsError> {
        let started = Instant::now();
        // Until it has ended well, nobody but those who read it already may have it: this future may be dropped at
        // every await, and the program with it.
        state.folder = None;
        folder.retired.store(true, Ordering::Relaxed);
        self.unmark(&folder).await?;
        let updated = fetch.update(&folder.path).await;
        let whole = matches!(updated, Ok(_) | Err(VcsError::Failed { .. }));
        if !whole {
            return Err(updated.err().unwrap_or_else(|| self.lost()));
        }
        self.mark(&folder.path).await?;
        folder.retired.store(false, Ordering::Relaxed);
        state.folder = Some(folder.clone());
        match updated {
            Ok(Updated::Good) => {
                state.failures = 0;
                state.started = Some(started);
                Ok(folder)
            }
            Ok(Updated::Outdated) => self.replace(state, folder, fetch).await,
            Err(error) => {
                state.failures += 1;
                if state.failures < FAILURES {
                    return Err(error);
                }
                self.replace(state, folder, fetch).await.map_err(|_| error)
            }
        }
    }

    /// Makes a new copy; the old one stays if that fails.
    async fn replace(
        &self,
        state: &mut State,
        old: Arc<Folder>,
        fetch: &impl Fetch,
    ) -> Result<Arc<Folder>, VcsError> {
        let new = self.make(state, fetch).await?;
        old.retired.store(true, Ordering::Relaxed);
        Ok(new)
    }

    async fn make(&self, state: &mut State, fetch: &impl Fetch) -> Result<Arc<Folder>, VcsError> {
        let started = Instant::now();
        let path = self.dir.join(state.next.to_string());
        state.next += 1;
        // Until it is whole, it goes with this future.
        let folder = Folder::new(path.clone(), true);
        self.blocking(move || std::fs::create_dir_all(path)).await?;
        fetch.make(&folder.path).await?;
        self.mark(&folder.path).await?;
        folder.retired.store(false, Ordering::Relaxed);
        let folder = Arc::new(folder);
        state.folder = Some(folder.clone());
        state.started = Some(started);
        state.failures = 0;
        Ok(folder)
    }

    /// Takes over what an earlier process left: the newest whole copy; all else is removed.
    async fn adopt(&self, state: &mut State) -> Result<(), VcsError> {
        if state.adopted {
            return Ok(());
        }
        let (dir, mark) = (self.dir.clone(), self.mark.clone());
        let (newest, next) = self.blocking(move || adopt(&dir, &mark)).await?;
        state.folder = newest.map(|path| Arc::new(Folder::new(path, false)));
        state.next = next;
        state.adopted = true;
        Ok(())
    }

    async fn mark(&self, folder: &Path) -> Result<(), VcsError> {
        let (path, mark) = (folder.join(MARK), self.mark.clone());
        self.blocking(move || std::fs::write(path, mark)).await
    }

    async fn unmark(&self, folder: &Folder) -> Result<(), VcsError> {
        let path = folder.path.join(MARK);
        self.blocking(move || std::fs::remove_file(path)).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, VcsError> {
        let done = tokio::task::spawn_blocking(work).await.map_err(|_| self.lost())?;
        done.map_err(|error| VcsError::from_io(&error, self.vcs, Step::Access))
    }

    fn lost(&self) -> VcsError {
        VcsError::Failed {
            vcs: self.vcs,
            step: Step::Access,
            said: "the local copy is lost".to_owned(),
        }
    }
}

/// The newest whole copy below `dir`, and the first number that no folder has.
fn adopt(dir: &Path, mark: &str) -> std::io::Result<(Option<PathBuf>, u64)> {
    std::fs::create_dir_all(dir)?;
    let mut copies: Vec<(u64, PathBuf)> = Vec::new();
    let mut next = 0;
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(number) = name.and_then(|name| name.parse::<u64>().ok()) else {
            continue;
        };
        next = next.max(number.saturating_add(1));
        if std::fs::read(path.join(MARK)).is_ok_and(|found| found == mark.as_bytes()) {
            copies.push((number, path));
        } else {
            std::fs::remove_dir_all(path)?;
        }
    }
    copies.sort();
    let newest = copies.pop().map(|(_, path)| path);
    for (_, old) in copies {
        std::fs::remove_dir_all(old)?;
    }
    Ok((newest, next))
}
