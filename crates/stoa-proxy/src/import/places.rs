//! Which file of a module a path is, in the layouts of other proxies.

use stoa_module::{ModulePath, ModuleVersion, Version};
use stoa_storage::{FileKey, FileKind};

/// How files are called in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// As a GOPROXY has it, and the go command's own `cache/download`: `<escaped module>/@v/<escaped version>.{info,mod,zip}`.
    Goproxy,
    /// As Athens has it, with module paths and versions that are not escaped: `<module>/@v/<version>.{info,mod,zip}` in buckets,
    /// `<module>/<version>/{<version>.info,go.mod,source.zip}` on disks and in `MinIO`.
    Athens,
    /// One or the other, in directories of any name: the first element of a module path has a dot, by which it is found.
    Anywhere,
}

impl Places {
    /// The file at `path`, which has slashes and is relative to the tree; `None` for what is none.
    pub fn parse(self, path: &str) -> Option<FileKey> {
        match self {
            Self::Goproxy => FileKey::parse(path),
            Self::Athens => match path.split_once("/@v/") {
                Some((module, name)) => of_name(module, name),
                None => of_tree(path),
            },
            Self::Anywhere => {
                let slashes = path.match_indices('/').map(|(at, _)| at + 1);
                let mut rests = std::iter::once(0).chain(slashes).map(|at| &path[at..]);
                rests.find_map(|rest| Self::Goproxy.parse(rest).or_else(|| Self::Athens.parse(rest)))
            }
        }
    }

    /// Whether somebody who meets `path` wonders why it is not taken: it looks like a file of a module.
    pub(super) fn is_alike(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default();
        let ends = name.rsplit_once('.').map(|(_, end)| end);
        matches!(ends, Some("info" | "zip" | "mod"))
    }
}

/// Athens in a bucket.
fn of_name(module: &str, name: &str) -> Option<FileKey> {
    let (stem, suffix) = name.rsplit_once('.')?;
    let kind = FileKind::ALL.into_iter().find(|kind| kind.suffix() == suffix)?;
    key(module, stem, kind)
}

/// Athens on a disk.
fn of_tree(path: &str) -> Option<FileKey> {
    let (rest, name) = path.rsplit_once('/')?;
    let (module, version) = rest.rsplit_once('/')?;
    let kind = match name {
        "go.mod" => FileKind::Mod,
        "source.zip" => FileKind::Zip,
        name if name.strip_suffix(".info") == Some(version) => FileKind::Info,
        _ => return None,
    };
    key(module, version, kind)
}

/// Paths and versions as they are, or escaped: a path has no `!` of its own.
fn key(module: &str, version: &str, kind: FileKind) -> Option<FileKey> {
    let module = ModulePath::parse(module)
        .or_else(|_| ModulePath::unescape(module))
        .ok()?;
    let version = Version::parse(version)
        .or_else(|_| Version::unescape(version))
        .ok()?;
    Some(FileKey::new(ModuleVersion::new(module, version).ok()?, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layout_has_its_names() {
        for (places, path, want) in [
            (
                Places::Goproxy,
                "a.example/!m/@v/v1.0.0.zip",
                Some("a.example/!m/@v/v1.0.0.zip"),
            ),
            (Places::Goproxy, "a.example/M/@v/v1.0.0.zip", None),
            (Places::Goproxy, "a.example/m/@v/list", None),
            (
                Places::Athens,
                "a.example/M/@v/v1.0.0.zip",
                Some("a.example/!m/@v/v1.0.0.zip"),
            ),
            (
                Places::Athens,
                "a.example/!m/@v/v1.0.0.mod",
                Some("a.example/!m/@v/v1.0.0.mod"),
            ),
            (
                Places::Athens,
                "a.example/M/v1.0.0-RC1/go.mod",
                Some("a.example/!m/@v/v1.0.0-!r!c1.mod"),
            ),
            (
                Places::Athens,
                "a.example/m/v1.0.0/source.zip",
                Some("a.example/m/@v/v1.0.0.zip"),
            ),
            (
                Places::Athens,
                "a.example/m/v1.0.0/v1.0.0.info",
                Some("a.example/m/@v/v1.0.0.info"),
            ),
            (Places::Athens, "a.example/m/v1.0.0/v1.0.1.info", None),
            (Places::Athens, "a.example/m/v1.0.0/README", None),
            (Places::Athens, "parts/a.example/m/v1.0.0/1", None),
            (Places::Athens, "a.example/../m/v1.0.0/go.mod", None),
            (Places::Athens, "go.mod", None),
            (
                Places::Anywhere,
                "old/cache/download/a.example/!m/@v/v1.0.0.zip",
                Some("a.example/!m/@v/v1.0.0.zip"),
            ),
            (
                Places::Anywhere,
                "athens/a.example/M/v1.0.0/go.mod",
                Some("a.example/!m/@v/v1.0.0.mod"),
            ),
            (
                Places::Anywhere,
                "a.example/m/@v/v1.0.0.zip",
                Some("a.example/m/@v/v1.0.0.zip"),
            ),
            (Places::Anywhere, "old/m/@v/v1.0.0.zip", None),
        ] {
            assert_eq!(
                places.parse(path).map(|key| key.to_string()).as_deref(),
                want,
                "{path}"
            );
        }
    }
}
