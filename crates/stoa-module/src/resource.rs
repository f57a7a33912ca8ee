//! One question of the GOPROXY protocol.

use std::fmt;

use crate::{ModulePath, ModuleVersion, Query, Revision, Version};

/// What a client can ask a module proxy for. The variants tell what may change from what may not:
/// [`List`](Self::List), [`Latest`](Self::Latest) and [`Query`](Self::Query) are answered anew over time, the others
/// are fixed once they have been answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// `/@v/list`: the known versions.
    List(ModulePath),
    /// `/@latest`: the newest version.
    Latest(ModulePath),
    /// `/@v/REVISION.info` where the revision is no canonical version of this path: a branch, a hash, `v1`.
    Query(ModulePath, Revision),
    /// `/@v/VERSION.info`.
    Info(ModuleVersion),
    /// `/@v/VERSION.mod`.
    Mod(ModuleVersion),
    /// `/@v/VERSION.zip`.
    Zip(ModuleVersion),
}

/// A path that has the shape of a GOPROXY request but names no possible module or version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ResourceError(String);

impl ResourceError {
    fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

impl Resource {
    /// Reads a percent-decoded request path without its leading slash, such as `github.com/!azure/sdk/@v/v1.0.0.info`.
    /// `None` means that the path is not of this protocol at all.
    ///
    /// # Errors
    /// [`ResourceError`] when the shape is right but the module path or version is not: bad escapes, upper-case letters,
    /// an impossible path, a `.mod` or `.zip` of something that is not a canonical version.
    pub fn parse(path: &str) -> Result<Option<Self>, ResourceError> {
        if let Some(module) = path.strip_suffix("/@latest") {
            return ModulePath::unescape(module)
                .map(|m| Some(Self::Latest(m)))
                .map_err(ResourceError::new);
        }
        let Some((module, file)) = path.split_once("/@v/") else {
            return Ok(None);
        };
        let module = ModulePath::unescape(module).map_err(ResourceError::new)?;
        if file == "list" {
            return Ok(Some(Self::List(module)));
        }
        let Some((version, suffix)) = file.rsplit_once('.') else {
            return Ok(None);
        };
        match suffix {
            "info" => match Query::unescape(&module, version).map_err(ResourceError::new)? {
                Query::Version(version) => module_version(module, version).map(|t| Some(Self::Info(t))),
                Query::Revision(revision) => Ok(Some(Self::Query(module, revision))),
            },
            "mod" | "zip" => {
                let version = Version::unescape(version).map_err(ResourceError::new)?;
                let target = module_version(module, version)?;
                Ok(Some(if suffix == "mod" {
                    Self::Mod(target)
                } else {
                    Self::Zip(target)
                }))
            }
            _ => Ok(None),
        }
    }

    /// The `.info` of what a client asked for: a version of the path, or a revision to resolve.
    pub fn info(module: ModulePath, query: Query) -> Result<Self, ResourceError> {
        match query {
            Query::Version(version) => module_version(module, version).map(Self::Info),
            Query::Revision(revision) => Ok(Self::Query(module, revision)),
        }
    }

    /// The path below a proxy's base URL, escaped as the protocol wants, without a leading slash.
    pub fn path(&self) -> String {
        match self {
            Self::List(module) => format!("{}/@v/list", module.escaped()),
            Self::Latest(module) => format!("{}/@latest", module.escaped()),
            Self::Query(module, revision) => format!("{}/@v/{}.info", module.escaped(), revision.escaped()),
            Self::Info(target) => file_path(target, "info"),
            Self::Mod(target) => file_path(target, "mod"),
            Self::Zip(target) => file_path(target, "zip"),
        }
    }

    /// The module asked about.
    pub fn module(&self) -> &ModulePath {
        match self {
            Self::List(module) | Self::Latest(module) | Self::Query(module, _) => module,
            Self::Info(target) | Self::Mod(target) | Self::Zip(target) => target.path(),
        }
    }

    /// The version or revision asked about, as text.
    pub fn version(&self) -> Option<&str> {
        match self {
            Self::List(_) | Self::Latest(_) => None,
            Self::Query(_, revision) => Some(revision.as_str()),
            Self::Info(target) | Self::Mod(target) | Self::Zip(target) => Some(target.version().as_str()),
        }
    }

    /// Whether the answer may change from one request to the next.
    pub fn is_mutable(&self) -> bool {
        matches!(self, Self::List(_) | Self::Latest(_) | Self::Query(..))
    }

    /// The kind in one word, for metrics and logs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::List(_) => "list",
            Self::Latest(_) => "latest",
            Self::Query(..) => "query",
            Self::Info(_) => "info",
            Self::Mod(_) => "mod",
            Self::Zip(_) => "zip",
        }
    }
}

/// `module@version`, `module@v/list` or `module@latest`, unescaped, for people.
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(module) => write!(f, "{module}/@v/list"),
            Self::Latest(module) => write!(f, "{module}@latest"),
            Self::Query(module, revision) => write!(f, "{module}@{revision}"),
            Self::Info(target) => write!(f, "{target}.info"),
            Self::Mod(target) => write!(f, "{target}.mod"),
            Self::Zip(target) => write!(f, "{target}.zip"),
        }
    }
}

fn module_version(module: ModulePath, version: Version) -> Result<ModuleVersion, ResourceError> {
    ModuleVersion::new(module, version).map_err(ResourceError::new)
}

fn file_path(target: &ModuleVersion, suffix: &str) -> String {
    format!(
        "{}/@v/{}.{suffix}",
        target.path().escaped(),
        target.version().escaped()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(path: &str) -> Resource {
        Resource::parse(path).expect(path).expect(path)
    }

    #[test]
    fn every_kind_reads_back_from_the_path_it_writes() {
        for (path, kind) in [
            ("github.com/!azure/sdk/@v/list", "list"),
            ("example.com/a/@latest", "latest"),
            ("example.com/a/@v/main.info", "query"),
            ("example.com/a/@v/v1.info", "query"),
            ("example.com/a/@v/v1.2.3.info", "info"),
            ("example.com/a/@v/v2.0.0+incompatible.mod", "mod"),
            ("example.com/a/v2/@v/v2.0.0-!r!c.1.zip", "zip"),
        ] {
            let resource = parsed(path);
            assert_eq!((resource.kind(), resource.path().as_str()), (kind, path));
        }
    }

    #[test]
    fn a_version_of_another_major_is_a_query_for_info_and_refused_for_files() {
        assert_eq!(parsed("example.com/a/@v/v2.0.0.info").kind(), "query");
        assert!(Resource::parse("example.com/a/@v/v2.0.0.zip").is_err());
        assert!(Resource::parse("example.com/a/@v/main.mod").is_err());
    }

    #[test]
    fn other_paths_are_not_of_the_protocol() {
        for path in [
            "",
            "healthz",
            "example.com/a",
            "example.com/a/@v/",
            "example.com/a/@v/v1.0.0.lock",
            "@v/list",
        ] {
            assert_eq!(Resource::parse(path), Ok(None), "{path}");
        }
    }

    #[test]
    fn bad_names_are_refused_with_a_reason() {
        for path in [
            "github.com/Azure/sdk/@v/list",
            "github.com/!/sdk/@v/list",
            "../etc/@v/list",
            "example.com//a/@v/list",
            "example.com/a\0/@latest",
            "example.com/a/@v/V1.0.0.info",
            "example.com/a/@v/..info",
        ] {
            let error = Resource::parse(path).expect_err(path);
            assert!(!error.to_string().is_empty());
        }
    }
}
