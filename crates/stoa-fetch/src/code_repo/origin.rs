//! Where an answer comes from, as `.info` tells it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use stoa_module::{is_pseudo_version, quoted, semver};
use stoa_vcs::{Repository, Revision, Tags, VcsKind};

use super::json::Object;

/// The provenance of an answer (`Origin` of cmd/go's codehost). What is empty is left out of its JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The version control system.
    pub vcs: VcsKind,
    /// The URL of the repository, without credentials.
    pub url: String,
    /// The folder of the module in it, without the folder of a major version.
    pub subdir: String,
    /// The whole name of the commit; empty for svn and bzr, and where no commit decided.
    pub hash: String,
    /// What the tags begin with that decided the answer.
    pub tag_prefix: String,
    /// A checksum over those tags and what they name: `t1:` and base64. Empty where no tags decided, and for systems
    /// whose lists of tags do not say what they name.
    pub tag_sum: String,
    /// The ref that named the commit.
    pub reference: String,
    /// A checksum over the whole repository, where tags decided and [`Origin::tag_sum`] cannot tell: `r1:` and base64.
    pub repo_sum: String,
}

impl Origin {
    /// Of the repository as a whole.
    pub(super) fn of_repository(code: &dyn Repository, subdir: &str) -> Self {
        Self {
            vcs: code.vcs(),
            url: code.url().to_owned(),
            subdir: subdir.to_owned(),
            hash: String::new(),
            tag_prefix: String::new(),
            tag_sum: String::new(),
            reference: String::new(),
            repo_sum: String::new(),
        }
    }

    /// Of a commit.
    pub(super) fn of_revision(code: &dyn Repository, subdir: &str, revision: &Revision) -> Self {
        let mut origin = Self::of_repository(code, subdir);
        // cmd/go does not fill it in for the systems that number their commits.
        if !matches!(origin.vcs, VcsKind::Svn | VcsKind::Bzr) {
            revision.id.as_str().clone_into(&mut origin.hash);
        }
        origin.reference = revision.reference.clone().unwrap_or_default();
        origin
    }

    /// Says that the tags that begin with `prefix` decided the answer.
    pub(super) fn with_tags(mut self, prefix: &str, tags: &Tags) -> Self {
        if self.vcs == VcsKind::Git {
            prefix.clone_into(&mut self.tag_prefix);
            self.tag_sum = tag_sum(prefix, tags);
        } else if let Some(sum) = &tags.repo_sum {
            sum.clone_into(&mut self.repo_sum);
        }
        self
    }

    /// Without what may change while the version stays: what the go command keeps of the `.info` of a version
    /// (`writeDiskStat`).
    pub(super) fn pinned(mut self, version: &str) -> Self {
        self.tag_prefix.clear();
        self.tag_sum.clear();
        self.repo_sum.clear();
        if is_pseudo_version(version) {
            self.reference.clear();
        }
        self
    }

    /// The JSON of Go's encoder.
    pub fn to_json(&self) -> String {
        let mut json = Object::new();
        json.text("VCS", self.vcs.as_str());
        for (name, value) in [
            ("URL", &self.url),
            ("Subdir", &self.subdir),
            ("Hash", &self.hash),
            ("TagPrefix", &self.tag_prefix),
            ("TagSum", &self.tag_sum),
            ("Ref", &self.reference),
            ("RepoSum", &self.repo_sum),
        ] {
            if !value.is_empty() {
                json.text(name, value);
            }
        }
        json.finish()
    }
}

/// The checksum over tags that cmd/go's git has (`gitRepo.Tags`): of those that could be versions or their bases.
fn tag_sum(prefix: &str, tags: &Tags) -> String {
    let dir = &prefix[..prefix.rfind('/').map_or(0, |at| at + 1)];
    let mut sum = Sha256::new();
    let mut line = String::new();
    for tag in &tags.list {
        if tag.name.starts_with(prefix) && is_origin_tag(tag.name.strip_prefix(dir).unwrap_or(&tag.name)) {
            line.clear();
            let hash = tag.hash.as_deref().unwrap_or_default();
            let _infallible = writeln!(line, "{} {hash}", quoted(&tag.name));
            sum.update(&line);
        }
    }
    format!("t1:{}", STANDARD.encode(sum.finalize()))
}

/// Whether a tag counts: a version, whole and with or without build metadata.
fn is_origin_tag(tag: &str) -> bool {
    semver::canonical(tag).is_some_and(|canonical| tag.starts_with(&*canonical)) && !is_pseudo_version(tag)
}
