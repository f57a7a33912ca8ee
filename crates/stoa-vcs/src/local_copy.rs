//! Local copies of repositories.

mod adopt;
mod fetch;
mod folder;
mod reading;
mod state;

pub(crate) use fetch::{Fetch, Updated};
pub(crate) use folder::Folder;
pub(crate) use reading::Reading;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::SemaphorePermit;

use crate::address::unknown;
use crate::cache::{Cache, Lease};
use crate::leftovers::MARK;
use crate::{Renewal, RepositoryOptions, RevisionId, Step, VcsError, VcsKind};
use adopt::adopt;
use state::CopyState;

/// How often in a row a fetch may fail before the copy is suspected.
const FAILURES: u32 = 2;

/// How old a copy may be.
#[derive(Clone, Copy, Debug)]
enum Age {
    Any,
    /// As old as what is fresh may be.
    Fresh,
    /// Fetched after the question.
    Newer,
}

/// The local copy of one repository, made at its first use and then fetched into.
///
/// It lives in the [`Cache`], in a folder of its own below that of the repository: while one is replaced, there are two.
/// All handles of a repository share the copy, its age, and the fetch that they wait for, whether that ends well or not. A
/// copy whose first or later fetch did not end is discarded; one that is replaced stays on the disk until its last reader
/// is done.
#[derive(Debug)]
pub(crate) struct LocalCopy {
    vcs: VcsKind,
    cache: Arc<Cache>,
    key: String,
    mark: String,
    freshness: Duration,
    renewal: Renewal,
    state: Arc<CopyState>,
}

impl LocalCopy {
    /// The copy of the repository at `url` in `cache`.
    pub(crate) fn new(vcs: VcsKind, url: &str, cache: Arc<Cache>, options: &RepositoryOptions) -> Self {
        let key = Cache::key_for(vcs, url, options.audience);
        let state = cache.shared(&key, CopyState::default);
        Self {
            vcs,
            key,
            mark: format!("1 {vcs} {url}\n"),
            freshness: options.freshness,
            renewal: options.renewal.clone(),
            state,
            cache,
        }
    }

    /// The copy, as the repository was when this was called, or a little before if that is fresh enough.
    pub(crate) async fn fresh(&self, fetch: &impl Fetch) -> Result<Reading, VcsError> {
        self.get(Instant::now(), Age::Fresh, fetch).await
    }

    /// The copy, as the repository was after `asked`, if the one that there is has been fetched before: something is not in
    /// that. `None` if it has not.
    pub(crate) async fn newer(
        &self,
        asked: Instant,
        fetch: &impl Fetch,
    ) -> Result<Option<Reading>, VcsError> {
        let fetched = self.state.copy.lock().fetched;
        if fetched.is_some_and(|(started, _)| started >= asked) {
            return Ok(None);
        }
        self.get(asked, Age::Newer, fetch).await.map(Some)
    }

    /// The copy, however old.
    pub(crate) async fn any(&self, fetch: &impl Fetch) -> Result<Reading, VcsError> {
        self.get(Instant::now(), Age::Any, fetch).await
    }

    /// A copy that has the commit.
    pub(crate) async fn having(&self, at: &RevisionId, fetch: &impl Fetch) -> Result<Reading, VcsError> {
        let old = self.any(fetch).await?;
        if old.knows(at) || fetch.has(&old, at).await? {
            return Ok(old);
        }
        drop(old);
        let new = self.fresh(fetch).await?;
        let has = fetch.has(&new, at).await?;
        has.then_some(new).ok_or_else(|| unknown(at.as_str()))
    }

    async fn get(&self, asked: Instant, age: Age, fetch: &impl Fetch) -> Result<Reading, VcsError> {
        let lease = self.lease().await?;
        let _permit = self.fetch_permit().await?;
        let folder = match self.current(&lease).await? {
            Some(folder) if self.is_good(asked, age) => folder,
            current => {
                // A caller that waited for a fetch that failed takes its error, instead of another fetch that would fail, too, one
                // after the other.
                if let Some(error) = self.failed_since(asked) {
                    return Err(error);
                }
                let fetched = match current {
                    Some(folder) => self.update(&lease, folder, fetch).await,
                    None => self.make(&lease, fetch).await,
                };
                if let Err(error) = &fetched {
                    self.state.copy.lock().failed = Some((Instant::now(), error.clone()));
                }
                fetched?
            }
        };
        Ok(Reading::new(folder, Arc::clone(&self.state), lease))
    }

    fn is_good(&self, asked: Instant, age: Age) -> bool {
        let freshness = match age {
            Age::Any => return true,
            Age::Fresh => self.freshness,
            Age::Newer => Duration::ZERO,
        };
        let fetched = self.state.copy.lock().fetched;
        // Count the age from the end of the fetch: if a fetch takes longer than `freshness`, counting from its begin would
        // make every question fetch again.
        fetched.is_some_and(|(started, ended)| {
            started >= asked || ended.elapsed() < freshness && !self.renewal.is_since(started)
        })
    }

    fn failed_since(&self, asked: Instant) -> Option<VcsError> {
        let failed = self.state.copy.lock().failed.clone();
        failed
            .filter(|(ended, _)| *ended >= asked)
            .map(|(_, error)| error)
    }

    /// The right to use the folder of the repository, which is made if it is missing.
    async fn lease(&self) -> Result<Arc<Lease>, VcsError> {
        let lease = Arc::new(self.cache.lease(&self.key));
        let made = Arc::clone(&lease);
        self.blocking(move || made.create(|_| Ok(()))).await?;
        Ok(lease)
    }

    async fn fetch_permit(&self) -> Result<SemaphorePermit<'_>, VcsError> {
        self.state.fetch_permit.acquire().await.map_err(|_| self.lost())
    }

    /// The copy that is there, if there is one: it may have been evicted while it was idle, or left by an earlier
    /// process.
    async fn current(&self, lease: &Lease) -> Result<Option<Arc<Folder>>, VcsError> {
        let (adopted, known) = {
            let copy = self.state.copy.lock();
            (copy.adopted, copy.folder.clone())
        };
        let (dir, mark) = (lease.path().to_owned(), self.mark.clone());
        let there = match (adopted, &known) {
            (true, None) => return Ok(None),
            (true, Some(folder)) => {
                let path = folder.path().join(MARK);
                self.blocking(move || path.try_exists()).await?.then_some(known)
            }
            (false, _) => {
                let found = self.blocking(move || adopt(&dir, &mark)).await?;
                Some(found.map(|path| Arc::new(self.folder(path))))
            }
        };
        let mut copy = self.state.copy.lock();
        copy.adopted = true;
        copy.folder = there.flatten();
        Ok(copy.folder.clone())
    }

    fn folder(&self, path: PathBuf) -> Folder {
        Folder::new(Arc::clone(&self.cache), self.key.clone(), path)
    }

    async fn update(
        &self,
        lease: &Arc<Lease>,
        folder: Arc<Folder>,
        fetch: &impl Fetch,
    ) -> Result<Arc<Folder>, VcsError> {
        let started = Instant::now();
        // Until the fetch has ended well, only its present readers may have the copy: this future, and the program with
        // it, may be dropped at every await.
        self.state.copy.lock().folder = None;
        folder.retire(true);
        let mark = folder.path().join(MARK);
        self.blocking(move || std::fs::remove_file(mark)).await?;
        let updated = fetch.update(folder.path()).await;
        // Without a place, no program has begun what it did not finish.
        let whole = matches!(
            updated,
            Ok(_) | Err(VcsError::Failed { .. } | VcsError::Overloaded { .. })
        );
        if !whole {
            return Err(updated.err().unwrap_or_else(|| self.lost()));
        }
        self.keep(lease, &folder).await?;
        let failures = {
            let mut copy = self.state.copy.lock();
            copy.folder = Some(Arc::clone(&folder));
            match updated {
                Ok(_) => copy.failures = 0,
                Err(VcsError::Overloaded { .. }) => {}
                Err(_) => copy.failures += 1,
            }
            if updated == Ok(Updated::Good) {
                copy.fetched = Some((started, Instant::now()));
            }
            copy.failures
        };
        match updated {
            Ok(Updated::Good) => Ok(folder),
            Ok(Updated::Outdated) => self.replace(lease, &folder, fetch).await,
            Err(error) if failures < FAILURES || matches!(error, VcsError::Overloaded { .. }) => Err(error),
            Err(error) => self.replace(lease, &folder, fetch).await.map_err(|_| error),
        }
    }

    /// Makes a new copy; the old one stays if that fails.
    async fn replace(
        &self,
        lease: &Arc<Lease>,
        old: &Folder,
        fetch: &impl Fetch,
    ) -> Result<Arc<Folder>, VcsError> {
        let new = self.make(lease, fetch).await?;
        old.retire(true);
        Ok(new)
    }

    async fn make(&self, lease: &Arc<Lease>, fetch: &impl Fetch) -> Result<Arc<Folder>, VcsError> {
        let started = Instant::now();
        let dir = lease.path().to_owned();
        let made = self.blocking(move || tempfile::Builder::new().prefix("copy-").tempdir_in(dir));
        // Take a new name: a retired folder may still be in removal.
        let folder = Arc::new(self.folder(made.await?.keep()));
        // Retired until it is whole: if this future is dropped, the folder is removed.
        folder.retire(true);
        fetch.make(folder.path()).await?;
        self.keep(lease, &folder).await?;
        let mut copy = self.state.copy.lock();
        copy.folder = Some(Arc::clone(&folder));
        copy.fetched = Some((started, Instant::now()));
        copy.failures = 0;
        Ok(folder)
    }

    /// Marks a copy as whole, and measures what the repository takes.
    async fn keep(&self, lease: &Arc<Lease>, folder: &Folder) -> Result<(), VcsError> {
        let (path, mark) = (folder.path().join(MARK), self.mark.clone());
        let lease = Arc::clone(lease);
        let marked = self.blocking(move || {
            std::fs::write(path, mark)?;
            lease.measure();
            Ok(())
        });
        marked.await?;
        folder.retire(false);
        Ok(())
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
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
