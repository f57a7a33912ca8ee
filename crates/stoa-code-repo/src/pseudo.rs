//! Whether a pseudo-version was made of its commit.

use stoa_module::{PseudoVersion, Timestamp, VersionError, semver};
use stoa_vcs::Revision;

use crate::{CodeRepo, CodeRepoError, CodeRepoReason, PseudoReason, layout::without_incompatible};

/// One pseudo-version and the commit that it names.
pub(crate) struct PseudoCheck<'a> {
    pub(crate) repo: &'a CodeRepo,
    pub(crate) revision: &'a Revision,
    pub(crate) asked: &'a str,
}

impl PseudoCheck<'_> {
    /// Refuses a pseudo-version that its commit contradicts (`validatePseudoVersion` of cmd/go). Otherwise a
    /// client could give a commit any number of versions, and as high ones as it likes.
    ///
    /// That the base is the highest one is not asked for: tags may have been added since.
    pub(crate) async fn check(&self) -> Result<(), CodeRepoError> {
        let at_version = |reason| CodeRepoError::of_pseudo(self.repo.module().clone(), self.asked, reason);
        let base = self.check_commit().map_err(at_version)?;
        match base {
            Some(base) => self.check_base(&base).await.map_err(at_version),
            None => Ok(()),
        }
    }

    /// What the version says of its commit; its base comes back.
    fn check_commit(&self) -> Result<Option<String>, CodeRepoReason> {
        let pseudo = PseudoVersion::parse(self.asked).map_err(version_reason)?;
        let (rev, short) = (pseudo.rev(), &self.revision.short);
        if rev != short {
            let expected = short.clone();
            return Err(if rev.starts_with(short.as_str()) {
                PseudoReason::Longer(expected)
            } else if short.starts_with(rev) {
                PseudoReason::Shorter(expected)
            } else {
                PseudoReason::OtherRevision(expected)
            }
            .into());
        }
        let time = pseudo.time().map_err(version_reason)?;
        let expected = Timestamp::try_from(self.revision.time).map_err(|_| CodeRepoReason::Time)?;
        if time != expected {
            return Err(PseudoReason::Timestamp(expected.compact().to_string()).into());
        }
        let compatible = without_incompatible(self.asked);
        let base = PseudoVersion::parse(compatible).and_then(|pseudo| pseudo.base());
        let base = base.map_err(version_reason)?;
        let unversioned = self.repo.layout.major().prefix().is_empty();
        if base.is_none() && unversioned && semver::major(self.asked) == Some("v1") {
            return Err(PseudoReason::MajorV1.into());
        }
        Ok(base)
    }

    /// The base must be the tag of an ancestor, and a tag of the commit itself only if it is not written as it should.
    async fn check_base(&self, base: &str) -> Result<(), CodeRepoReason> {
        let (repo, revision) = (self.repo, self.revision);
        let prefix = repo.layout.tag_prefix();
        // Without the prefix or as it is: cmd/go takes either.
        let version_of = |tag: &str| tag.strip_prefix(&prefix).unwrap_or(tag).to_owned();
        if let Some(tag) = revision.tags.iter().find(|tag| version_of(tag) == base) {
            return Err(PseudoReason::AlreadyCanonical {
                tag: tag.clone(),
                rev: revision.short.clone(),
            }
            .into());
        }
        let tags = repo.source.tags(&format!("{prefix}{base}")).await?;
        let (mut last, mut failure) = (None, None);
        for tag in &tags.list {
            if semver::compare(&version_of(&tag.name), base).is_ne() {
                continue;
            }
            last = Some(&tag.name);
            match repo.source.code.descends_from(&revision.id, &tag.name).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => failure = Some(error),
            }
        }
        Err(match (last, failure) {
            (_, Some(error)) => error.into(),
            (None, None) => PseudoReason::NoBase(base.to_owned()).into(),
            (Some(tag), None) => PseudoReason::NotDescendant {
                rev: revision.short.clone(),
                tag: tag.clone(),
            }
            .into(),
        })
    }
}

/// The rule alone: the text around it is that of the module.
fn version_reason(error: VersionError) -> CodeRepoReason {
    match error {
        VersionError::Invalid { reason, .. } => reason.into(),
        error => CodeRepoReason::Internal(error.to_string()),
    }
}
