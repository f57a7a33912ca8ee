//! The list of versions.

use std::sync::Arc;

use stoa_module::{
    Candidates, Origin, Version,
    modfile::{ModFile, Retract},
    semver,
};
use stoa_vcs::Tags;

use crate::{
    CodeRepo, CodeRepoError, CodeRepoReason, Versions,
    answers::{Answer, Asked},
    layout::Layout,
    origin::add_tags,
};

/// What a line of a go.mod has at least, in bytes.
const SHORTEST_LINE: usize = 8;

impl CodeRepo {
    /// The versions of the module (`Versions` of cmd/go): what its tags say, without a look at what they name, but for
    /// what decides about `+incompatible` ones. A listed version may therefore be invalid, and a retracted one
    /// is listed.
    pub async fn versions(&self) -> Result<Arc<Versions>, CodeRepoError> {
        let asked = self.answers.ask(Asked::Versions);
        if let Some(Answer::Versions(known)) = self.answers.get(&asked) {
            return Ok(known);
        }
        let of_module = |reason| CodeRepoError::of_module(self.module().clone(), reason);
        let versions = Arc::new(self.list_versions().await.map_err(of_module)?);
        self.answers.put(asked, Answer::Versions(Arc::clone(&versions)));
        Ok(versions)
    }

    async fn list_versions(&self) -> Result<Versions, CodeRepoReason> {
        let layout = &self.layout;
        let path = layout.module.as_str();
        // It shares the repository of the stable path, and the tags are of that one.
        if path.starts_with("gopkg.in/") && path.ends_with("-unstable") {
            return Ok(Versions::default());
        }
        let prefix = layout.tag_prefix();
        let tags = self.source.tags(&prefix).await?;
        let tags_len = tags.list.len();
        let (mut list, incompatible) = {
            let (layout, tags) = (layout.clone(), Arc::clone(&tags));
            let work = move || versions_of(&layout, &tags);
            self.answers.offload().run(tags_len, work).await
        };
        self.add_incompatible(&mut list, &incompatible).await?;
        let mut origin = self.origin();
        self.add_tags(&mut origin, &prefix, &tags).await;
        Ok(Versions {
            list,
            origin: Some(origin),
        })
    }

    /// Says that the tags that begin with `prefix` decided an answer.
    pub(crate) async fn add_tags(&self, origin: &mut Origin, prefix: &str, tags: &Arc<Tags>) {
        let vcs = self.source.code.vcs();
        let (mut told, text, all) = (origin.clone(), prefix.to_owned(), Arc::clone(tags));
        let work = move || {
            add_tags(&mut told, vcs, &text, &all);
            told
        };
        *origin = self.answers.offload().run(tags.list.len(), work).await;
    }

    /// Adds versions v2 and above of a module whose path says nothing of them, as `+incompatible`: unless it has learnt
    /// of modules by the last version below, and of each major version unless it has learnt of them by its last one.
    async fn add_incompatible(
        &self,
        list: &mut Vec<Version>,
        incompatible: &[Version],
    ) -> Result<(), CodeRepoReason> {
        if incompatible.is_empty() {
            return Ok(());
        }
        if let Some(last) = list.last()
            && self.has_go_mod(last).await?
        {
            return Ok(());
        }
        for same_major in incompatible.chunk_by(|a, b| a.major() == b.major()) {
            let Some(last) = same_major.last() else { continue };
            if self.has_go_mod(last).await? {
                continue;
            }
            let suffixed = same_major
                .iter()
                .filter_map(|version| Version::parse(&format!("{version}+incompatible")).ok());
            list.extend(suffixed);
        }
        Ok(())
    }

    /// Whether the root of a tagged version has a go.mod.
    async fn has_go_mod(&self, tag: &Version) -> Result<bool, CodeRepoReason> {
        let revision = self.source.stat(tag.as_str()).await?;
        let go_mod = self
            .source
            .file(&revision.id, "go.mod", self.limits.go_mod)
            .await?;
        Ok(go_mod.is_some())
    }

    /// What the module retracts (`retractedVersions`): the go.mod of its highest release says so, that of its highest
    /// prerelease if there is none. Nothing is retracted if that cannot be read.
    pub(crate) async fn retractions(&self) -> Arc<Vec<Retract>> {
        let asked = self.answers.ask(Asked::Retractions);
        if let Some(Answer::Retractions(known)) = self.answers.get(&asked) {
            return known;
        }
        let Some(found) = self.read_retractions().await else {
            return Arc::default();
        };
        let found = Arc::new(found);
        self.answers.put(asked, Answer::Retractions(Arc::clone(&found)));
        found
    }

    async fn read_retractions(&self) -> Option<Vec<Retract>> {
        let versions = self.versions().await.ok()?;
        let offload = self.answers.offload();
        let highest = offload.run(versions.list.len(), move || {
            Candidates::new(&versions.list).compatible().highest().cloned()
        });
        let Some(highest) = highest.await else {
            return Some(Vec::new());
        };
        let go_mod = self.tagged_go_mod(&highest).await.ok()?;
        let lines = go_mod.len() / SHORTEST_LINE;
        let read = move || Some(ModFile::parse_lax("go.mod", &go_mod).ok()?.retract);
        offload.run(lines, read).await
    }
}

/// The versions that tags are: those that the path may have, and those that may be `+incompatible` ones; both sorted.
fn versions_of(layout: &Layout, tags: &Tags) -> (Vec<Version>, Vec<Version>) {
    let major = layout.major();
    let (mut list, mut incompatible) = (Vec::new(), Vec::new());
    for tag in &tags.list {
        let Some((version, true)) = layout.version_of_tag(&tag.name) else {
            continue;
        };
        let Ok(version) = Version::parse(&version) else {
            continue;
        };
        if major.match_version(&version) {
            list.push(version);
        } else if layout.dir.is_empty() && major.is_empty() {
            incompatible.push(version);
        }
    }
    for versions in [&mut list, &mut incompatible] {
        semver::sort(versions);
        versions.dedup();
    }
    (list, incompatible)
}
