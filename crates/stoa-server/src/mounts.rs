//! All mounted parts.

use std::{fmt, sync::Arc};

use crate::mount::{Mount, MountError};

/// The mounted parts. The longest prefix wins.
#[derive(Debug)]
pub(crate) struct Mounts {
    /// The longest prefix first.
    mounts: Vec<Arc<Mount>>,
    /// Answers what nothing else does.
    root: Option<Arc<Mount>>,
}

impl Mounts {
    /// # Errors
    /// When a part is mounted where it must not be, or two are mounted at one path.
    pub(crate) fn new(mounts: Vec<Mount>) -> Result<Self, MountError> {
        let mut mounts: Vec<_> = mounts.into_iter().map(Arc::new).collect();
        mounts.iter().try_for_each(|mount| mount.check())?;
        mounts.sort_by(|a, b| (b.prefix().len(), a.prefix()).cmp(&(a.prefix().len(), b.prefix())));
        if let Some([mount, _]) = mounts
            .array_windows()
            .find(|[mount, next]| mount.prefix() == next.prefix())
        {
            return Err(MountError::Twice(mount.prefix().to_owned()));
        }
        let root = mounts.pop_if(|mount| mount.is_root());
        Ok(Self { mounts, root })
    }

    /// The part that is mounted at this path or above it. The path is as it was sent, without the prefix of the edge.
    pub(crate) fn find(&self, path: &str) -> Option<&Arc<Mount>> {
        self.mounts.iter().find(|mount| mount.has(path))
    }

    /// The part that answers what nothing else does.
    pub(crate) fn root(&self) -> Option<&Arc<Mount>> {
        self.root.as_ref()
    }
}

impl fmt::Display for Mounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mount) in self.mounts.iter().chain(&self.root).enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{mount}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;

    use super::*;
    use crate::OpenGuard;

    fn mounts(prefixes: &[&str]) -> Result<Mounts, MountError> {
        let mount = |prefix: &&str| Mount::new(prefix, Arc::new(OpenGuard), Router::new());
        Mounts::new(prefixes.iter().map(mount).collect())
    }

    #[test]
    fn the_longest_prefix_wins_at_the_end_of_an_element() {
        let mounts = mounts(&["/api", "/", "/api/v1/jobs", "/api/v1"]).expect("mounts");
        assert_eq!(
            mounts.to_string(),
            "/api/v1/jobs: open, /api/v1: open, /api: open, /: open"
        );
        for (path, want) in [
            ("/api/v1/jobs/7", Some("/api/v1/jobs")),
            ("/api/v1/jobs", Some("/api/v1/jobs")),
            ("/api/v1/jobsite", Some("/api/v1")),
            ("/api/v1/", Some("/api/v1")),
            ("/api/v2", Some("/api")),
            ("/apis", None),
            ("/", None),
            ("/healthz", None),
        ] {
            assert_eq!(mounts.find(path).map(|mount| mount.prefix()), want, "{path}");
        }
        assert_eq!(mounts.root().map(|mount| mount.prefix()), Some("/"));
    }

    #[test]
    fn nothing_is_mounted_where_a_module_or_a_database_could_be() {
        let at = |prefix: &str| mounts(&[prefix]).expect_err(prefix);
        for prefix in ["/example.com", "/example.com/a", "/a.b/c", "/.a"] {
            assert_eq!(at(prefix), MountError::Module(prefix.to_owned()));
        }
        for prefix in ["/sumdb", "/sumdb/x"] {
            assert_eq!(at(prefix), MountError::Sumdb(prefix.to_owned()));
        }
        for prefix in [
            "", "a", "/a/", "//", "/a//b", "/a/../b", "/.", "/a b", "/a%2fb", "/@v",
        ] {
            assert_eq!(at(prefix), MountError::Path(prefix.to_owned()));
        }
        for twice in ["/a", "/"] {
            let error = mounts(&[twice, "/b", twice]).expect_err(twice);
            assert_eq!(error, MountError::Twice(twice.to_owned()));
        }
    }
}
