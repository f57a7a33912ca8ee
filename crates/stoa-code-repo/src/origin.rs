//! Where an answer comes from: the commit and the tags that decided it.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use stoa_module::{Origin, is_pseudo_version, quoted, semver};
use stoa_vcs::{Repository, Revision, Tags, VcsKind};

/// The origin of an answer about the repository as a whole.
pub(crate) fn origin_of_repository(code: &dyn Repository, subdir: &str) -> Origin {
    Origin {
        vcs: code.vcs().as_str().to_owned(),
        url: code.url().to_owned(),
        subdir: subdir.to_owned(),
        ..Origin::default()
    }
}

/// The origin of an answer about a commit.
pub(crate) fn origin_of_revision(code: &dyn Repository, subdir: &str, revision: &Revision) -> Origin {
    let mut origin = origin_of_repository(code, subdir);
    // cmd/go does not fill it in for the systems that number their commits.
    if !matches!(code.vcs(), VcsKind::Svn | VcsKind::Bzr) {
        revision.id.as_str().clone_into(&mut origin.hash);
    }
    origin.reference = revision.reference.clone().unwrap_or_default();
    origin
}

/// Says that the tags that begin with `prefix` decided the answer.
pub(crate) fn add_tags(origin: &mut Origin, vcs: VcsKind, prefix: &str, tags: &Tags) {
    if vcs == VcsKind::Git {
        prefix.clone_into(&mut origin.tag_prefix);
        origin.tag_sum = tag_sum(prefix, tags);
    } else if let Some(sum) = &tags.repo_sum {
        sum.clone_into(&mut origin.repo_sum);
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
