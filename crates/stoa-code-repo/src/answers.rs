//! What repositories answered last.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use stoa_cache::{Cache, CacheOptions, Offload, Weigh as _};
use stoa_module::{Info, Origin, modfile::Retract};
use stoa_vcs::{Revision, RevisionId, Tags};

use crate::{CodeLimits, Resolved, Versions};

/// How long an answer stays at most, also one that never changes: nothing of a repository stays for ever.
const MAX_AGE: Duration = Duration::from_secs(600);

/// The last answers of all modules in repositories, within one bound of bytes.
///
/// Each [`CodeRepo`](crate::CodeRepo) finds its own answers only: what was read with one URL's credentials is never an
/// answer for another.
pub struct KnownAnswers {
    cache: Cache<AnswerKey, Answer>,
    owners: AtomicU64,
    /// How often all of it was said to be old.
    renewals: AtomicU64,
    offload: Offload,
}

/// The answers of one owner.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    known: Arc<KnownAnswers>,
    owner: u64,
    /// How long answers hold that may change.
    remember: Duration,
}

/// A question, as of when it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AnswerKey {
    owner: u64,
    /// What is found out for a question of before is no answer to one of after.
    renewals: u64,
    asked: Asked,
}

/// What was asked of a repository or a module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Asked {
    /// The commit of a revision string.
    Revision(String),
    /// The newest commit of the default branch.
    Head,
    /// The tags that begin with a prefix.
    Tags(String),
    /// The content of a file.
    File(RevisionId, String),
    /// The version of a query.
    Query(String),
    /// The versions of the module.
    Versions,
    /// What the module retracts.
    Retractions,
}

#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Revision(Arc<Revision>),
    Tags(Arc<Tags>),
    /// `None`: there is no such file.
    File(Option<Bytes>),
    Query(Arc<Resolved>),
    Versions(Arc<Versions>),
    Retractions(Arc<Vec<Retract>>),
}

impl KnownAnswers {
    /// Room for `capacity` bytes.
    pub fn new(capacity: u64) -> Self {
        // Lists of tags may be large, so there is one part, and each may take a quarter of it.
        let options = CacheOptions::new(capacity).largest(capacity / 4).max_age(MAX_AGE);
        Self {
            cache: Cache::weighed_by(options, |key, answer| key.heap_size() + answer.heap_size()),
            owners: AtomicU64::new(0),
            renewals: AtomicU64::new(0),
            offload: Offload::default(),
        }
    }

    /// Something is new in a repository: nothing that was asked for until now is an answer any more.
    pub fn renew(&self) {
        self.renewals.fetch_add(1, Ordering::Release);
        self.cache.clear();
    }

    /// How many bytes the answers take.
    pub fn bytes(&self) -> u64 {
        self.cache.weight()
    }
}

impl Answers {
    /// Those of a new owner.
    pub(crate) fn of_new_owner(known: Arc<KnownAnswers>, limits: &CodeLimits) -> Self {
        Self {
            owner: known.owners.fetch_add(1, Ordering::Relaxed),
            remember: limits.remember,
            known,
        }
    }

    /// Where what takes long is done; all owners share its bound.
    pub(crate) fn offload(&self) -> &Offload {
        &self.known.offload
    }

    /// The question, asked now.
    pub(crate) fn ask(&self, asked: Asked) -> AnswerKey {
        AnswerKey {
            owner: self.owner,
            renewals: self.known.renewals.load(Ordering::Acquire),
            asked,
        }
    }

    /// The answer, if it still holds.
    pub(crate) fn get(&self, key: &AnswerKey) -> Option<Answer> {
        Some(self.known.cache.get(key)?.value)
    }

    /// Remembers an answer: for a while, or, for the content of a commit, which never changes, as long as there is room.
    pub(crate) fn put(&self, key: AnswerKey, answer: Answer) {
        match &answer {
            Answer::File(_) => self.known.cache.put(key, answer),
            _ => self.known.cache.put_for(key, answer, self.remember),
        }
    }
}

impl AnswerKey {
    fn heap_size(&self) -> usize {
        match &self.asked {
            Asked::Revision(text) | Asked::Tags(text) | Asked::Query(text) => text.heap_size(),
            Asked::File(id, path) => id.as_str().len() + path.heap_size(),
            Asked::Head | Asked::Versions | Asked::Retractions => 0,
        }
    }
}

impl Answer {
    fn heap_size(&self) -> usize {
        match self {
            Self::Revision(revision) => size_of::<Revision>() + revision_size(revision),
            Self::Tags(tags) => {
                let tag = |tag: &stoa_vcs::Tag| {
                    size_of::<stoa_vcs::Tag>() + tag.name.heap_size() + tag.hash.heap_size()
                };
                size_of::<Tags>() + tags.list.iter().map(tag).sum::<usize>() + tags.repo_sum.heap_size()
            }
            Self::File(content) => content.heap_size(),
            Self::Query(resolved) => {
                size_of::<Resolved>()
                    + info_size(&resolved.info)
                    + resolved.id.as_str().len()
                    + resolved.short.heap_size()
            }
            Self::Versions(versions) => {
                let list = versions.list.iter();
                // Each has a block of its own, with the two counters of an `Arc`.
                list.map(|version| size_of_val(version) + 2 * size_of::<usize>() + version.as_str().len())
                    .sum::<usize>()
                    + versions.origin.as_ref().map_or(0, origin_size)
            }
            Self::Retractions(list) => list.iter().map(retract_size).sum(),
        }
    }
}

fn revision_size(revision: &Revision) -> usize {
    revision.id.as_str().len()
        + revision.short.heap_size()
        + revision.version.heap_size()
        + revision.tags.heap_size()
        + revision.reference.heap_size()
}

fn info_size(info: &Info) -> usize {
    let target = info.target.path().as_str().len() + info.target.version().as_str().len();
    let time = info.time.as_ref().map_or(0, |time| time.as_str().len());
    target + time + info.origin.as_ref().map_or(0, origin_size)
}

fn origin_size(origin: &Origin) -> usize {
    let Origin {
        vcs,
        url,
        subdir,
        hash,
        tag_prefix,
        tag_sum,
        reference,
        repo_sum,
    } = origin;
    [vcs, url, subdir, hash, tag_prefix, tag_sum, reference, repo_sum]
        .iter()
        .map(|text| text.len())
        .sum()
}

fn retract_size(retract: &Retract) -> usize {
    size_of::<Retract>() + retract.low.len() + retract.high.len() + retract.rationale.len()
}

impl fmt::Debug for KnownAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownAnswers")
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(known: &Arc<KnownAnswers>, seconds: u64) -> Answers {
        let limits = CodeLimits {
            remember: Duration::from_secs(seconds),
            ..CodeLimits::default()
        };
        Answers::of_new_owner(Arc::clone(known), &limits)
    }

    fn versions() -> Answer {
        Answer::Versions(Arc::default())
    }

    fn file(size: usize) -> Answer {
        Answer::File(Some(vec![7; size].into()))
    }

    fn at(path: &str) -> Asked {
        Asked::File(RevisionId::new("abc".to_owned()).expect("an id"), path.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn answers_hold_for_a_while_and_for_their_owner_only() {
        let known = Arc::new(KnownAnswers::new(1 << 20));
        let (one, other) = (answers(&known, 10), answers(&known, 10));
        one.put(one.ask(Asked::Versions), versions());
        one.put(one.ask(at("go.mod")), file(3));
        assert!(one.get(&one.ask(Asked::Versions)).is_some());
        assert!(
            other.get(&other.ask(Asked::Versions)).is_none() && other.get(&other.ask(at("go.mod"))).is_none()
        );
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(one.get(&one.ask(Asked::Versions)).is_none());
        assert!(
            one.get(&one.ask(at("go.mod"))).is_some(),
            "the content of a commit never changes"
        );
        tokio::time::advance(MAX_AGE).await;
        assert!(
            one.get(&one.ask(at("go.mod"))).is_none(),
            "nothing stays for ever"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn no_time_at_all_remembers_nothing_that_may_change() {
        let known = Arc::new(KnownAnswers::new(1 << 20));
        let none = answers(&known, 0);
        none.put(none.ask(Asked::Versions), versions());
        none.put(none.ask(at("go.mod")), file(3));
        assert!(
            none.get(&none.ask(Asked::Versions)).is_none() && none.get(&none.ask(at("go.mod"))).is_some()
        );
    }

    #[tokio::test]
    async fn all_answers_together_are_bounded() {
        let known = Arc::new(KnownAnswers::new(100_000));
        for _ in 0..20 {
            let owner = answers(&known, 10);
            for i in 0..20 {
                owner.put(owner.ask(at(&i.to_string())), file(1000));
                assert!(known.bytes() <= 100_000);
            }
        }
        assert!(known.bytes() > 50_000);
    }

    #[tokio::test]
    async fn what_is_found_out_for_a_question_of_before_is_no_answer_to_one_of_after() {
        let known = Arc::new(KnownAnswers::new(1 << 20));
        let one = answers(&known, 10);
        let before = one.ask(Asked::Versions);
        one.put(before.clone(), versions());
        assert!(one.get(&one.ask(Asked::Versions)).is_some());
        known.renew();
        assert!(one.get(&one.ask(Asked::Versions)).is_none());
        one.put(before, versions());
        assert!(one.get(&one.ask(Asked::Versions)).is_none());
    }
}
