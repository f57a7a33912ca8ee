//! Which folder of a revision holds the module.

use std::sync::Arc;

use bytes::Bytes;
use stoa_module::{PathMajor, Version, modfile, quoted, semver};
use stoa_vcs::{Revision, RevisionId};

use crate::{CodeRepo, CodeRepoError, CodeRepoReason};

/// The folder of the module, and its go.mod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModuleDir {
    /// Its path in the repository; empty for the root.
    pub(crate) path: String,
    /// The content of its go.mod; `None` if the root has none, which is allowed up to v1 and for gopkg.in.
    pub(crate) go_mod: Option<Bytes>,
}

/// A go.mod that was looked for.
struct Candidate {
    /// Its path in the repository.
    path: String,
    content: Option<Bytes>,
}

impl Candidate {
    /// The module path that the line scanner finds in it; empty if none.
    fn module_path(&self) -> String {
        let content = self.content.as_deref().unwrap_or_default();
        modfile::module_path(content).map_or_else(String::new, String::from)
    }
}

impl CodeRepo {
    /// The go.mod of a version that is known to be one.
    pub(crate) async fn tagged_go_mod(&self, version: &Version) -> Result<Bytes, CodeRepoError> {
        let (_, dir) = self.module_dir(version).await?;
        Ok(dir
            .go_mod
            .unwrap_or_else(|| modfile::legacy_go_mod(self.module()).into()))
    }

    /// The commit of a version, and where the module is in it.
    pub(crate) async fn module_dir(
        &self,
        version: &Version,
    ) -> Result<(Arc<Revision>, ModuleDir), CodeRepoError> {
        let text = version.as_str();
        let revision = self.revision(text).await?;
        let name = self.layout.revision(text);
        let dir = self.find_dir(&revision.id, &name, text).await;
        let dir = dir.map_err(|reason| self.at_query(text, reason))?;
        Ok((revision, dir))
    }

    /// Finds the folder of the module in the commit `at`, which the string `revision` named (`findDir` of cmd/go).
    ///
    /// A module with a major version is in its folder or in `vN` below it. Of the module paths in the go.mod files
    /// only the major versions matter, for a fork may stand in for what they name.
    pub(crate) async fn find_dir(
        &self,
        at: &RevisionId,
        revision: &str,
        version: &str,
    ) -> Result<ModuleDir, CodeRepoReason> {
        let layout = &self.layout;
        let first = self.candidate(at, revision, layout.file("go.mod")).await?;
        let first_path = first.module_path();
        let first_fits = first.content.is_some() && layout.accepts(&first_path);
        let mut second_file = None;
        if let Some(dir) = layout.major_dir() {
            let second = self.candidate(at, revision, format!("{dir}/go.mod")).await?;
            if second.content.is_some() {
                return self.second_dir(second, dir, first_fits.then_some(&first), revision);
            }
            second_file = Some(second.path);
        }
        if first_fits {
            return Ok(ModuleDir {
                path: layout.dir.clone(),
                go_mod: first.content,
            });
        }
        let (root, major) = (&layout.prefix, layout.major());
        if first.content.is_some() {
            return Err(self.misfit(&first.path, &first_path, second_file.is_some(), revision, version));
        }
        if layout.dir.is_empty() && (major.is_empty() || major.as_str().starts_with('.')) {
            return Ok(ModuleDir {
                path: String::new(),
                go_mod: None,
            });
        }
        Err(CodeRepoReason::NoModule(match second_file {
            Some(_) => format!("missing {root}/go.mod and ...{major}/go.mod at revision {revision}"),
            None => format!("missing {root}/go.mod at revision {revision}"),
        }))
    }

    /// The folder `vN`, whose go.mod is there and must be right then.
    fn second_dir(
        &self,
        second: Candidate,
        dir: String,
        first: Option<&Candidate>,
        revision: &str,
    ) -> Result<ModuleDir, CodeRepoReason> {
        let (layout, path) = (&self.layout, second.module_path());
        let (prefix, root, file, major) = (&layout.prefix, &layout.root, &second.path, layout.major());
        let fits = layout.accepts(&path);
        let text = match first {
            Some(first) if fits => format!(
                "{prefix}/{} and ...{major}/go.mod both have ...{major} module paths at revision {revision}",
                first.path
            ),
            _ if fits => {
                return Ok(ModuleDir {
                    path: dir,
                    go_mod: second.content,
                });
            }
            _ if path.is_empty() => format!("{root}/{file} is missing module path at revision {revision}"),
            _ => format!(
                "{root}/{file} has non-...{major} module path {} at revision {revision}",
                quoted(&path)
            ),
        };
        Err(CodeRepoReason::NoModule(text))
    }

    /// Why the go.mod `file` with this module path is not that of the module.
    fn misfit(&self, file: &str, path: &str, two: bool, revision: &str, version: &str) -> CodeRepoReason {
        let major = self.layout.major();
        let suffix = if two {
            format!(" (and ...{major}/go.mod does not exist)")
        } else {
            String::new()
        };
        let quoted = quoted(path);
        CodeRepoReason::NoModule(if path.is_empty() {
            format!("{file} is missing module path{suffix} at revision {revision}")
        } else if !major.is_empty() {
            format!("{file} has non-...{major} module path {quoted}{suffix} at revision {revision}")
        } else if PathMajor::split(path).is_none() {
            format!("{file} has malformed module path {quoted}{suffix} at revision {revision}")
        } else {
            let version = semver::major(version).unwrap_or_default();
            format!("{file} has post-{version} module path {quoted}{suffix} at revision {revision}")
        })
    }

    async fn candidate(
        &self,
        at: &RevisionId,
        revision: &str,
        path: String,
    ) -> Result<Candidate, CodeRepoReason> {
        match self.source.file(at, &path, self.limits.go_mod).await {
            Ok(content) => Ok(Candidate { path, content }),
            Err(error) => Err(CodeRepoReason::Reading {
                file: format!("{}/{path}", self.layout.root),
                revision: revision.to_owned(),
                error,
            }),
        }
    }
}
