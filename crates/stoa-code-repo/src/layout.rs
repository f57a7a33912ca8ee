//! Where a module is in its repository, by its path alone.

use stoa_module::{ModulePath, PathMajor, is_pseudo_version, semver};

use crate::{CodeRepoError, CodeRepoReason};

const INCOMPATIBLE: &str = "+incompatible";

/// What the paths of a module and of its repository's root say (`newCodeRepo` of cmd/go).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) module: ModulePath,
    /// The import path of the repository's root.
    pub(crate) root: String,
    /// The module path without its major version, but for a repository that is all of the module.
    pub(crate) prefix: String,
    /// The folder that holds the module, or the folder of its major version; empty for the root.
    pub(crate) dir: String,
}

impl Layout {
    /// Lays out `module` in the repository at `root`, of which `subdir` counts as the root (the fourth field of a
    /// go-import page).
    pub(crate) fn new(root: &str, subdir: &str, module: ModulePath) -> Result<Self, CodeRepoError> {
        let of_module = |reason| CodeRepoError::of_module(module.clone(), reason);
        let path = module.as_str();
        if !has_path_prefix(path, root) {
            return Err(of_module(CodeRepoReason::MismatchedRepo {
                root: root.to_owned(),
            }));
        }
        let (mut prefix, mut dir) = (module.split().0, "");
        if root == path {
            prefix = path;
        } else if has_path_prefix(prefix, root) {
            dir = prefix[root.len()..].trim_matches('/');
        } else {
            return Err(of_module(CodeRepoReason::OutsideOfRepo {
                root: root.to_owned(),
            }));
        }
        let dir = join(dir, subdir).ok_or_else(|| {
            of_module(CodeRepoReason::SubdirOutside {
                subdir: subdir.to_owned(),
            })
        })?;
        Ok(Self {
            root: root.to_owned(),
            prefix: prefix.to_owned(),
            dir,
            module,
        })
    }

    /// The major version that the path ends in.
    pub(crate) fn major(&self) -> PathMajor<'_> {
        self.module.split().1
    }

    /// What the tags of the module begin with: nothing, or its folder and a slash.
    pub(crate) fn tag_prefix(&self) -> String {
        if self.dir.is_empty() {
            String::new()
        } else {
            format!("{}/", self.dir)
        }
    }

    /// What all tags begin with that may be the base of one of the module's pseudo-versions.
    pub(crate) fn base_prefix(&self) -> String {
        let mut prefix = self.tag_prefix();
        if let Some(major) = self.major().as_str().get(1..) {
            prefix += major;
            prefix.push('.');
        }
        prefix
    }

    /// The path of a file in the repository.
    pub(crate) fn file(&self, name: &str) -> String {
        format!("{}{name}", self.tag_prefix())
    }

    /// The folder of the major version beside the one of the module, where there may be one.
    pub(crate) fn major_dir(&self) -> Option<String> {
        let major = self.major().as_str().strip_prefix('/')?;
        (self.root != self.module.as_str()).then(|| self.file(major))
    }

    /// The revision string that a version or query stands for (`revToRev`).
    pub(crate) fn revision(&self, query: &str) -> String {
        if !semver::is_valid(query) {
            return query.to_owned();
        }
        if let Ok(pseudo) = stoa_module::PseudoVersion::parse(query) {
            return pseudo.rev().to_owned();
        }
        if semver::build(query) == INCOMPATIBLE {
            return self.file(without_incompatible(query));
        }
        self.file(query)
    }

    /// The version that a tag of the repository is, and whether the tag is written as the version is (`tagToVersion`).
    ///
    /// # Deviation
    ///
    /// cmd/go asks whether the whole tag is a pseudo-version, so that `sub/v0.0.0-20240102030405-abcdef123456` counts
    /// as a tag of the module `sub`, and every query for its commit fails with an unknown revision. Here it is what it
    /// is without its prefix: a tag that looks like a pseudo-version, which is no version of any module.
    pub(crate) fn version_of_tag(&self, tag: &str) -> Option<(String, bool)> {
        let rest = tag.strip_prefix(&self.tag_prefix())?;
        if is_pseudo_version(rest) {
            return None;
        }
        let version = semver::canonical(rest)?;
        rest.starts_with(&*version)
            .then(|| (version.to_string(), *version == *rest))
    }

    /// Whether a go.mod with this module path may be that of the module.
    pub(crate) fn accepts(&self, module_path: &str) -> bool {
        self.major().accepts(module_path)
    }
}

/// A version without `+incompatible`.
pub(crate) fn without_incompatible(version: &str) -> &str {
    version.strip_suffix(INCOMPATIBLE).unwrap_or(version)
}

/// Whether `path` begins with the elements of `prefix`.
fn has_path_prefix(path: &str, prefix: &str) -> bool {
    match path.strip_prefix(prefix) {
        Some(rest) => rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/'),
        None => false,
    }
}

/// Joins two paths with slashes and cleans them up; `None` if that leads out of the first.
fn join(dir: &str, subdir: &str) -> Option<String> {
    let mut elements = Vec::new();
    for element in dir.split('/').chain(subdir.split('/')) {
        match element {
            "" | "." => {}
            ".." => {
                elements.pop()?;
            }
            element => elements.push(element),
        }
    }
    Some(elements.join("/"))
}

#[cfg(test)]
mod tests;
