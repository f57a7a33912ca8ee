//! From a commit to a version.

use stoa_module::{
    Info, ModuleVersion, Origin, Timestamp, Version, canonical_version, is_pseudo_version,
    modfile::RetractSet, pseudo_version, semver,
};
use stoa_vcs::{Revision, VcsError};

use crate::{
    CodeMeaning, CodeRepo, CodeRepoError, CodeRepoReason, Resolved, incompatible::Incompatible,
    layout::without_incompatible, origin::origin_of_revision, pseudo::PseudoCheck,
};

/// How many major versions are tried for the base of a pseudo-version. Each but the last has tags among the ancestors
/// and a folder with a go.mod of its own.
const MAX_MAJORS: usize = 256;

/// One commit on its way to a version (`convert` of cmd/go).
pub(crate) struct Conversion<'a> {
    repo: &'a CodeRepo,
    revision: &'a Revision,
    /// The query; empty for the newest commit.
    asked: &'a str,
    incompatible: Incompatible<'a>,
}

impl<'a> Conversion<'a> {
    pub(crate) fn new(repo: &'a CodeRepo, revision: &'a Revision, asked: &'a str) -> Self {
        Self {
            repo,
            revision,
            asked,
            incompatible: Incompatible::new(repo, &revision.id, asked),
        }
    }

    /// The version, and where it comes from.
    pub(crate) async fn resolve(mut self) -> Result<Resolved, CodeRepoError> {
        let version = if is_pseudo_version(self.asked) {
            let version = self.check(self.asked).await?;
            let check = PseudoCheck {
                repo: self.repo,
                revision: self.revision,
                asked: self.asked,
            };
            check.check().await?;
            version
        } else {
            self.version().await?
        };
        let internal = |error: String| self.about(&version, CodeRepoReason::Internal(error));
        let version = Version::parse(&version).map_err(|error| internal(error.to_string()))?;
        let origin = self.origin(&version).await?;
        let target = ModuleVersion::new(self.repo.module().clone(), version);
        let target = target.map_err(|error| internal(error.to_string()))?;
        Ok(Resolved {
            info: Info::new(target, self.revision.time, origin),
            time: self.revision.time,
            id: self.revision.id.clone(),
            short: self.revision.short.clone(),
        })
    }

    /// What the version depends on: the tags, too, if it is a pseudo-version that was made here, or has a base.
    async fn origin(&self, version: &Version) -> Result<Origin, CodeRepoError> {
        let repo = self.repo;
        let mut origin = origin_of_revision(&*repo.source.code, &repo.layout.dir, self.revision);
        let text = version.as_str();
        if !version.is_pseudo() || (text == self.asked && text.starts_with("v0.0.0-")) {
            return Ok(origin);
        }
        let prefix = repo.layout.base_prefix();
        let tags = repo.source.tags(&prefix).await;
        let tags = tags.map_err(|error| self.about(text, error))?;
        repo.add_tags(&mut origin, &prefix, &tags).await;
        Ok(origin)
    }

    /// The version of a commit that was not asked for by a pseudo-version: that of its tag, else a new pseudo-version.
    async fn version(&mut self) -> Result<String, CodeRepoError> {
        let layout = &self.repo.layout;
        if let Some((version, true)) = layout.version_of_tag(&self.revision.version) {
            match self.check(&version).await {
                Err(error) if matches!(error.meaning(), CodeMeaning::NotExist | CodeMeaning::Refused) => {}
                checked => return checked,
            }
        }
        let retracted = self.repo.retractions().await;
        let retracted = RetractSet::new(&retracted);
        let (mut highest, mut base) = (None::<String>, None);
        for tag in &self.revision.tags {
            let Some((version, exact)) = layout.version_of_tag(tag) else {
                continue;
            };
            if !self.asked.is_empty() && semver::compare(&version, self.asked).is_eq() {
                if exact {
                    return self.check(&version).await;
                }
                // It may be the tag of several commits with different metadata, so it is a base and no version.
                base = Some(version);
            } else if exact
                && highest
                    .as_ref()
                    .is_none_or(|highest| semver::compare(highest, &version).is_lt())
                && !is_retracted(&retracted, &version)
                && self.may_be(&version).await?
            {
                highest = Some(version);
            }
        }
        if let Some(highest) = highest {
            return self.check(&highest).await;
        }
        if base.is_none() {
            base = self.recent(&retracted).await?;
        }
        let time = Timestamp::try_from(self.revision.time)
            .map_err(|_| self.about(self.asked, CodeRepoReason::Time))?;
        let base = base.unwrap_or_default();
        let version = pseudo_version(layout.major().prefix(), &base, time, &self.revision.short);
        self.check(&version).await
    }

    /// Whether the module may have this version, with `+incompatible` if need be.
    async fn may_be(&mut self, version: &str) -> Result<bool, CodeRepoError> {
        if self.repo.layout.major().check(version).is_ok() {
            return Ok(true);
        }
        let answer = self.incompatible.version(version).await;
        answer.map_err(|error| self.about(version, error))
    }

    /// The highest version among the tags of the commit and its ancestors, of those that the module may have.
    ///
    /// Whether a major version may be `+incompatible` takes a look at a file, which is not possible while a repository
    /// goes through its tags. So all are let pass that are not known to be none, and the winner is looked at.
    async fn recent(&mut self, retracted: &RetractSet<'_>) -> Result<Option<String>, CodeRepoError> {
        let layout = &self.repo.layout;
        let prefix = layout.tag_prefix();
        let at_query = |error: VcsError| self.repo.at_query(self.asked, error);
        self.incompatible.root().await.map_err(at_query)?;
        for _ in 0..MAX_MAJORS {
            let incompatible = &self.incompatible;
            let allowed = |tag: &str| {
                layout.version_of_tag(tag).is_some_and(|(version, _)| {
                    (layout.major().check(&version).is_ok() || !incompatible.is_denied(&version))
                        && !is_retracted(retracted, &version)
                })
            };
            let code = &self.repo.source.code;
            let tag = code.recent_tag(&self.revision.id, &prefix, &allowed).await;
            let tag = match tag {
                Err(VcsError::Unsupported { .. }) => None,
                tag => tag.map_err(at_query)?,
            };
            let Some((version, _)) = tag.and_then(|tag| layout.version_of_tag(&tag)) else {
                return Ok(None);
            };
            if self.may_be(&version).await? {
                return Ok(Some(version));
            }
        }
        Err(self.about(self.asked, CodeRepoReason::TooMany("major versions")))
    }

    /// Checks that the module is there and may have `version`, and completes it with `+incompatible`
    /// (`checkCanonical`). What is asked for as a canonical version must be itself.
    async fn check(&mut self, version: &str) -> Result<String, CodeRepoError> {
        let layout = &self.repo.layout;
        let revision = layout.revision(version);
        let found = self.repo.find_dir(&self.revision.id, &revision, version).await;
        found.map_err(|reason| self.about(version, reason))?;

        let asked = self.asked;
        let asked_base = without_incompatible(asked);
        let mut version = if version == asked_base { asked } else { version }.to_owned();
        let base = without_incompatible(&version).to_owned();
        let major = semver::major(&base).unwrap_or_default();
        let mut reason = None;
        if layout.major().check(&base).is_err() {
            let may = self.incompatible.version(&base).await;
            if may.map_err(|error| self.about(&base, error))? {
                version = format!("{base}+incompatible");
            } else if layout.major().is_empty() {
                reason = Some(CodeRepoReason::PathMustMatchMajor(format!(
                    "{}/{major}",
                    layout.prefix
                )));
            } else {
                reason = Some(CodeRepoReason::MajorMustMatch);
            }
        } else if version != base {
            reason = Some(CodeRepoReason::Compatible(major.to_owned()));
        }
        if base != asked_base && canonical_version(asked).is_some_and(|canonical| canonical == asked) {
            let asked_base = asked_base.to_owned();
            let reason = CodeRepoReason::NotTag {
                resolved: version,
                asked: asked_base,
            };
            return Err(self.about(asked, reason));
        }
        match reason {
            Some(reason) => Err(self.about(&version, reason)),
            None => Ok(version),
        }
    }

    fn about(&self, version: &str, reason: impl Into<CodeRepoReason>) -> CodeRepoError {
        self.repo.at_query(version, reason)
    }
}

fn is_retracted(retracted: &RetractSet<'_>, version: &str) -> bool {
    Version::parse(version).is_ok_and(|version| retracted.contains(&version))
}
