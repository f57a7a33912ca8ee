//! Compressed contents that the next zip may hold, too.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use stoa_cache::{Cache, CacheOptions};
use stoa_module::zip::Member;
use stoa_vcs::{ContentId, KnownContents, Repository};

/// The largest content that is worth keeping, in bytes: larger files are compressed while they are read, and not kept.
const LARGEST: u64 = 1 << 20;

/// How long a content stays at most. Versions of a module are often asked for one after another, and nothing of a
/// repository stays for ever.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// A compressed content.
pub(crate) struct Compressed {
    pub(crate) member: Member,
    /// Its deflate stream.
    pub(crate) bytes: Box<[u8]>,
}

/// Compressed contents of all repositories, by the names that those have for them; the versions of a module share nearly
/// all of their files.
///
/// Bounded in bytes: what was used least lately goes, and what alone takes more than its part of the room is not kept.
/// A content is found only for the repository that it came from, so that no repository can pass anything off on another.
pub struct CompressedContents {
    entries: Cache<Key, Arc<Compressed>>,
    /// What zips hold that are being made or read, in bytes: it may have gone from here.
    held: AtomicU64,
    capacity: u64,
}

/// Which repository, as the hash of its system and URL.
pub(crate) type RepositoryKey = [u8; 32];

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    repository: RepositoryKey,
    id: ContentId,
}

impl CompressedContents {
    /// Room for `capacity` bytes.
    pub fn new(capacity: u64) -> Self {
        let options = CacheOptions::new(capacity).largest(LARGEST).max_age(MAX_AGE);
        Self {
            entries: Cache::weighed_by(options, |_, content| {
                size_of::<Compressed>() + content.bytes.len()
            }),
            held: AtomicU64::new(0),
            capacity,
        }
    }

    /// Lets a zip hold so many bytes more; all of them together hold no more than there is room for.
    fn hold(&self, bytes: u64) -> bool {
        let more = |held: u64| held.checked_add(bytes).filter(|held| *held <= self.capacity);
        self.held
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
            .is_ok()
    }

    /// How many bytes it holds.
    pub fn bytes(&self) -> u64 {
        self.entries.weight()
    }
}

impl fmt::Debug for CompressedContents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompressedContents")
            .field("bytes", &self.bytes())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// The contents of one repository, for one zip. What was found once stays until this goes.
pub(crate) struct Reuse {
    contents: Arc<CompressedContents>,
    repository: RepositoryKey,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    contents: HashMap<ContentId, Arc<Compressed>>,
    bytes: u64,
}

/// The name of a repository among all of them, as one audience may read it.
pub(crate) fn repository_key(code: &dyn Repository, audience: &str) -> RepositoryKey {
    // Neither of the first two has a space.
    Sha256::digest(format!("{}:{} {audience}", code.vcs(), code.url())).into()
}

impl Reuse {
    pub(crate) fn new(contents: Arc<CompressedContents>, repository: RepositoryKey) -> Self {
        Self {
            contents,
            repository,
            held: Mutex::default(),
        }
    }

    /// A content that was found.
    pub(crate) fn get(&self, id: &ContentId) -> Option<Arc<Compressed>> {
        self.held.lock().contents.get(id).cloned()
    }

    /// Keeps a content for the next zip.
    pub(crate) fn keep(&self, id: ContentId, member: Member, bytes: &[u8]) {
        let key = Key {
            repository: self.repository,
            id,
        };
        let bytes = bytes.into();
        self.contents
            .entries
            .put(key, Arc::new(Compressed { member, bytes }));
    }
}

impl Drop for Reuse {
    fn drop(&mut self) {
        let bytes = self.held.lock().bytes;
        self.contents.held.fetch_sub(bytes, Ordering::AcqRel);
    }
}

impl KnownContents for Reuse {
    fn size(&self, path: &[u8], id: &ContentId) -> Option<u64> {
        // That of the module is read, too.
        if path == b"go.mod" {
            return None;
        }
        let mut held = self.held.lock();
        if let Some(content) = held.contents.get(id) {
            return Some(content.member.size);
        }
        let key = Key {
            repository: self.repository,
            id: *id,
        };
        let content = self.contents.entries.get(&key)?.value;
        let bytes = content.bytes.len() as u64;
        if !self.contents.hold(bytes) {
            return None;
        }
        held.bytes += bytes;
        let size = content.member.size;
        held.contents.insert(*id, content);
        Some(size)
    }
}
