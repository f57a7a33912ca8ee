//! From a revision string to a commit.

use std::time::{Duration, Instant, SystemTime};

use super::GitRepository;
use super::commit::Commit;
use super::objects::{Answer, ObjectKind, Objects};
use super::program::{failed, malformed};
use super::refs::{Refs, is_hash_prefix};
use crate::cache::Lease;
use crate::process::PlaceKind;
use crate::{Revision, RevisionId, Step, VcsError};

/// The largest commit or tree that is read, in bytes.
pub(super) const LARGEST: u64 = 64 << 20;

impl GitRepository {
    /// What `revision` names: a tag, a branch, `HEAD`, the hash of a ref, or a commit that a ref reaches.
    pub(super) async fn resolve(&self, revision: &str) -> Result<Revision, VcsError> {
        let unknown = || VcsError::UnknownRevision {
            revision: revision.to_owned(),
        };
        let asked = Instant::now();
        let mut refs = self.refs().await?;
        // Try again: a ref may move after it was listed and before it is fetched, and may be newer than what is known.
        for _ in 0..3 {
            let whole = [format!("refs/tags/{revision}"), format!("refs/heads/{revision}")];
            let mut names = whole
                .iter()
                .map(String::as_str)
                .chain((revision == "HEAD").then_some("HEAD"));
            if let Some((name, hash)) = names.find_map(|name| Some((name, refs.get(name)?))) {
                if let Some((id, commit)) = self.commit_of_ref(&refs, name, hash).await? {
                    return revision_of(&refs, &id, &commit, Some(name));
                }
                self.names_a_commit(name, hash).await?;
                self.forget_refs();
                refs = self.refs().await?;
                continue;
            }
            let missing = if is_hash_prefix(revision, refs.is_sha256()) {
                match self.resolve_hash(&refs, revision).await {
                    Err(error @ VcsError::UnknownRevision { .. }) => error,
                    found => return found,
                }
            } else {
                unknown()
            };
            refs = self.newer_refs(asked).await?.ok_or(missing)?;
        }
        Err(unknown())
    }

    /// The newest commit of the default branch.
    pub(super) async fn resolve_head(&self) -> Result<Revision, VcsError> {
        for _ in 0..2 {
            let refs = self.refs().await?;
            let Some(hash) = refs.get("HEAD") else {
                let url = self.program.url.to_string();
                return Err(VcsError::NoCommits { url });
            };
            if let Some((id, commit)) = self.commit_of_ref(&refs, "HEAD", hash).await? {
                return revision_of(&refs, &id, &commit, Some("HEAD"));
            }
            self.forget_refs();
        }
        Err(failed(Step::Revision, "HEAD moves faster than it can be fetched"))
    }

    async fn resolve_hash(&self, refs: &Refs, prefix: &str) -> Result<Revision, VcsError> {
        let unknown = || VcsError::UnknownRevision {
            revision: prefix.to_owned(),
        };
        let among = refs.with_prefix(prefix);
        if among.len() > 1 {
            return Err(VcsError::Ambiguous {
                revision: prefix.to_owned(),
            });
        }
        if let Some((hash, name)) = among.into_iter().next() {
            let found = self.commit_of_ref(refs, name, hash).await?;
            let (id, commit) = found.ok_or_else(unknown)?;
            return revision_of(refs, &id, &commit, None);
        }
        if refs.get("HEAD").is_none() && refs.is_empty() {
            return Err(unknown());
        }
        let lease = self.lease(Step::Revision).await?;
        // Every commit of the copy was fetched by the name of a ref, or is an ancestor of one that was.
        if let Some((id, commit)) = self.lookup(&lease, prefix, Step::Revision).await? {
            return revision_of(refs, &id, &commit, None);
        }
        self.fetch_history(&lease, refs, Step::Revision).await?;
        let found = self.lookup(&lease, prefix, Step::Revision).await?;
        let (id, commit) = found.ok_or_else(unknown)?;
        if !self.is_reachable(&lease, &id).await? {
            return Err(unknown());
        }
        revision_of(refs, &id, &commit, None)
    }

    /// The commit that a ref names; `None` if the ref does not name it any more, or names no commit.
    async fn commit_of_ref(
        &self,
        refs: &Refs,
        name: &str,
        hash: &str,
    ) -> Result<Option<(String, Commit)>, VcsError> {
        let lease = self.lease(Step::Revision).await?;
        if let Some(found) = self.lookup(&lease, hash, Step::Revision).await? {
            return Ok(Some(found));
        }
        self.fetch_ref(&lease, name, hash, refs).await?;
        self.lookup(&lease, hash, Step::Revision).await
    }

    /// Fails if a ref names a file or a folder: then it will not do better, however often it is asked for.
    async fn names_a_commit(&self, name: &str, hash: &str) -> Result<(), VcsError> {
        let lease = self.lease(Step::Revision).await?;
        let named = self
            .object(&lease, &format!("{hash}^{{}}"), LARGEST, Step::Revision)
            .await?;
        let what = match named {
            Answer::Object {
                kind: ObjectKind::Blob,
                ..
            } => "a file",
            Answer::Object {
                kind: ObjectKind::Tree,
                ..
            } => "a folder",
            _ => return Ok(()),
        };
        let what = format!("{name} names {what} and no commit");
        Err(malformed(Step::Revision, what))
    }

    /// The commit `at` in the local copy, fetched again if it is not there any more.
    pub(super) async fn commit(&self, at: &RevisionId, step: Step) -> Result<(Lease, Commit), VcsError> {
        let unknown = || VcsError::UnknownRevision {
            revision: at.to_string(),
        };
        if !super::refs::is_whole_hash(at.as_str()) {
            return Err(unknown());
        }
        let lease = self.lease(step).await?;
        if let Some((_, commit)) = self.lookup(&lease, at.as_str(), step).await? {
            return Ok((lease, commit));
        }
        let found = self.resolve_hash(&*self.refs().await?, at.as_str()).await?;
        let found = self.lookup(&lease, found.id.as_str(), step).await?;
        let (_, commit) = found.ok_or_else(unknown)?;
        Ok((lease, commit))
    }

    /// The commit whose hash begins with `prefix`, of those in the local copy.
    pub(super) async fn lookup(
        &self,
        lease: &Lease,
        prefix: &str,
        step: Step,
    ) -> Result<Option<(String, Commit)>, VcsError> {
        match self
            .object(lease, &format!("{prefix}^{{commit}}"), LARGEST, step)
            .await?
        {
            Answer::Object {
                id,
                kind: ObjectKind::Commit,
                bytes,
            } => {
                let commit = Commit::parse(&bytes);
                let commit = commit.map_err(|flaw| malformed(step, format!("commit {id}: {flaw}")))?;
                Ok(Some((id, commit)))
            }
            Answer::Ambiguous => Err(VcsError::Ambiguous {
                revision: prefix.to_owned(),
            }),
            _ => Ok(None),
        }
    }

    /// An object of the local copy, whose lease the caller holds. The running program reads it, or else a new one.
    pub(super) async fn object(
        &self,
        _lease: &Lease,
        name: &str,
        limit: u64,
        step: Step,
    ) -> Result<Answer, VcsError> {
        for _ in 0..3 {
            let objects = self.objects(step).await?;
            // The program may just have ended because it was idle.
            if let Some(answer) = objects.get(name, limit, step).await {
                return answer;
            }
        }
        Err(failed(step, "cat-file ends again and again"))
    }

    async fn objects(&self, step: Step) -> Result<Objects, VcsError> {
        let running = || self.state.objects.lock().clone().filter(Objects::is_open);
        if let Some(objects) = running() {
            return Ok(objects);
        }
        let _permit = self.state.permit(&self.state.objects_permit, step).await?;
        if let Some(objects) = running() {
            return Ok(objects);
        }
        let place = self.program.runner().place(PlaceKind::Local, step).await?;
        let (objects, reader) = Objects::start(&self.program, self.cache.lease(&self.key), place, step)?;
        self.spawn(reader.run());
        *self.state.objects.lock() = Some(objects.clone());
        Ok(objects)
    }

    /// Whether any ref of the local copy reaches a commit.
    async fn is_reachable(&self, lease: &Lease, id: &str) -> Result<bool, VcsError> {
        let call = self.program.local("for-each-ref", Step::Revision, lease.path());
        let contains = format!("--contains={id}");
        let call = call.args([
            "for-each-ref",
            "--count=1",
            "--format=%(refname)",
            &contains,
            "refs/stoa/",
        ]);
        Ok(!call.text().await?.is_empty())
    }
}

fn revision_of(
    refs: &Refs,
    id: &str,
    commit: &Commit,
    reference: Option<&str>,
) -> Result<Revision, VcsError> {
    let seconds = Duration::from_secs(commit.time.unsigned_abs());
    let time = match commit.time {
        0.. => SystemTime::UNIX_EPOCH.checked_add(seconds),
        _ => SystemTime::UNIX_EPOCH.checked_sub(seconds),
    };
    let (Some(time), Some(whole)) = (time, RevisionId::new(id)) else {
        return Err(failed(Step::Revision, format!("commit {id} has no time")));
    };
    let tag = reference.and_then(|name| name.strip_prefix("refs/tags/"));
    let tags = refs.tags().filter(|(_, hash)| *hash == id);
    Ok(Revision {
        short: id.chars().take(12).collect(),
        version: tag.unwrap_or(id).to_owned(),
        id: whole,
        time,
        tags: tags.map(|(name, _)| name.to_owned()).collect(),
        reference: reference.map(str::to_owned),
    })
}
