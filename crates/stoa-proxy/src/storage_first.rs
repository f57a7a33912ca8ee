//! What storage knows.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use stoa_fetch::Question;
use stoa_module::{Candidates, ModulePath, ModuleVersion, Resource, Version, modfile::Retract};
use stoa_storage::{FileKey, FileKind, Storage, StoredVersion};

use crate::{
    Answer, Content, Outcome, Protocol, ProxyError,
    choose::{GoMods, Pick, Wish, choose, is_own_go_mod, retractions_of},
    file_key,
    listing::Listing,
};

/// What to do when sources cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkMode {
    /// Sources are asked, and their failure is the client's failure unless an earlier answer is remembered.
    Online,
    /// Sources are asked; when they fail, `list` and `@latest` are answered from what is stored.
    Fallback,
    /// Sources are never asked.
    Offline,
}

/// The largest small file that is read whole, in bytes: `.info` and `.mod` have been bounded when they were stored.
const SMALL: usize = 16 << 20;

/// What a line of a go.mod has at least, in bytes.
const SHORTEST_LINE: usize = 8;

/// Answers fixed files from storage, and adds what is stored to what sources say of versions.
///
/// * `.info`, `.mod`, `.zip`: stored ones are served and nothing else is asked.
/// * `list`: the source's, which has the stored versions in it; when it has none, what is stored. A source that does not
///   know the module any more does not take away what is stored.
/// * `@latest`: the source's; when it has none, computed from what is stored.
#[derive(Debug)]
pub struct StorageFirst {
    inner: Arc<dyn Protocol>,
    storage: Arc<dyn Storage>,
    listing: Listing,
    mode: NetworkMode,
}

impl StorageFirst {
    /// Looks into `storage` before `inner` is asked.
    pub fn new(inner: Arc<dyn Protocol>, storage: Arc<dyn Storage>, mode: NetworkMode) -> Self {
        Self {
            inner,
            listing: Listing::new(Arc::clone(&storage)),
            storage,
            mode,
        }
    }

    async fn file(&self, question: &Question, key: &FileKey) -> Result<Answer, ProxyError> {
        match self.storage.open(key).await? {
            Some(blob) => Ok(Answer::new(Content::Stored(blob), Outcome::Hit)),
            None => self.inner.get(question).await,
        }
    }

    async fn list(&self, question: &Question, path: &ModulePath) -> Result<Answer, ProxyError> {
        let error = match self.inner.get(question).await {
            Err(error) if self.may_answer_alone(&error) => error,
            told => return told,
        };
        match self.listing.stored(path).await? {
            Some(list) => Ok(Answer::new(Content::Bytes(list), alone(&error))),
            None => Err(error),
        }
    }

    async fn latest(&self, question: &Question, path: &ModulePath) -> Result<Answer, ProxyError> {
        let error = match self.inner.get(question).await {
            Err(error) if self.may_answer_alone(&error) => error,
            told => return told,
        };
        let stored = self.storage.versions(path).await?;
        let with_go_mod = versions(&stored, |version| version.go_mod);
        let usable = versions(&stored, |version| version.info && version.go_mod);
        let go_mods = StoredGoMods { first: self, path };
        let wish = Wish {
            matches: &|_| true,
            pick: Pick::Highest,
            incompatible: false,
        };
        let chosen = choose(&go_mods, &with_go_mod, &usable, &wish).await?;
        // A version that is retracted is better than none: there is nothing else.
        let chosen = chosen.or_else(|| Candidates::new(&usable).highest().cloned());
        let Some(version) = chosen else {
            return Err(error);
        };
        let info = self.small(path, &version, FileKind::Info).await?;
        info.map(|info| Answer::new(Content::Bytes(info), alone(&error)))
            .ok_or(error)
    }

    async fn small(
        &self,
        path: &ModulePath,
        version: &Version,
        kind: FileKind,
    ) -> Result<Option<Bytes>, ProxyError> {
        let Ok(target) = ModuleVersion::new(path.clone(), version.clone()) else {
            return Ok(None);
        };
        match self.storage.open(&FileKey::new(target, kind)).await? {
            Some(blob) => Ok(Some(blob.bytes(SMALL).await?)),
            None => Ok(None),
        }
    }

    /// Whether storage may speak although the source did not answer.
    fn may_answer_alone(&self, error: &ProxyError) -> bool {
        error.is_not_found() || self.mode == NetworkMode::Fallback
    }
}

/// What an answer from storage is after a source's error: all there is, or what stands in for a source that failed.
fn alone(error: &ProxyError) -> Outcome {
    if error.is_not_found() {
        Outcome::Hit
    } else {
        Outcome::Stale
    }
}

/// The stored versions of which enough is there.
fn versions(stored: &[StoredVersion], enough: impl Fn(&StoredVersion) -> bool) -> Vec<Version> {
    let enough = stored.iter().filter(|version| enough(version));
    enough.map(|stored| stored.version.clone()).collect()
}

/// The stored go.mod files of a module.
struct StoredGoMods<'a> {
    first: &'a StorageFirst,
    path: &'a ModulePath,
}

#[async_trait]
impl GoMods for StoredGoMods<'_> {
    async fn retractions(&self, version: &Version) -> Result<Vec<Retract>, ProxyError> {
        let go_mod = self.first.small(self.path, version, FileKind::Mod).await?;
        let Some(text) = go_mod else {
            return Ok(Vec::new());
        };
        let (lines, read) = (text.len() / SHORTEST_LINE, move || retractions_of(&text));
        Ok(self.first.listing.offload().run(lines, read).await)
    }

    async fn has_go_mod(&self, version: &Version) -> Result<bool, ProxyError> {
        let go_mod = self.first.small(self.path, version, FileKind::Mod).await?;
        Ok(go_mod.is_some_and(|text| is_own_go_mod(self.path, &text)))
    }
}

impl fmt::Display for StorageFirst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "storage_first({}) > {}", self.storage, self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Protocol for StorageFirst {
    async fn get(&self, question: &Question) -> Result<Answer, ProxyError> {
        match (&question.resource, file_key(&question.resource)) {
            (_, Some(key)) => self.file(question, &key).await,
            (Resource::List(path), _) => self.list(question, path).await,
            (Resource::Latest(path), _) => self.latest(question, path).await,
            _ => self.inner.get(question).await,
        }
    }
}
