//! The version list as a proxy serves it.

use bytes::Bytes;
use stoa_module::{ModulePath, Version, semver};
use stoa_storage::StoredVersion;

/// The versions of one module path: canonical, no pseudo-versions, possible for the path, sorted, each once.
///
/// The go command filters nothing but pseudo-versions and takes the rest as it comes, so the proxy filters for it.
/// Retracted versions stay: the client reads retractions from the highest one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionList {
    /// From the lowest up, each once.
    versions: Vec<Version>,
}

impl VersionList {
    /// Reads a source's list: one version a line, whatever follows it on the line ignored.
    pub fn parse(path: &ModulePath, text: &[u8]) -> Self {
        let major = path.split().1;
        // What follows a version need not even be text.
        let text = String::from_utf8_lossy(text);
        let first_fields = text.split('\n').filter_map(|line| line.split_whitespace().next());
        // Whole versions are made only of what is left in the end: a list may have a hundred thousand lines.
        let mut fields: Vec<&str> = first_fields.filter(|field| major.may_list(field)).collect();
        semver::sort(&mut fields);
        fields.dedup();
        let versions = fields.into_iter().filter_map(|field| Version::parse(field).ok());
        Self {
            versions: versions.collect(),
        }
    }

    /// Adds what is stored whole enough to be used without any source: `.info` and `.mod`.
    pub fn add_stored(&mut self, path: &ModulePath, stored: &[StoredVersion]) {
        let major = path.split().1;
        let whole = stored.iter().filter(|version| version.info && version.go_mod);
        let new: Vec<Version> = whole
            .map(|stored| &stored.version)
            .filter(|version| {
                major.may_list(version.as_str()) && self.versions.binary_search(version).is_err()
            })
            .cloned()
            .collect();
        if !new.is_empty() {
            self.versions.extend(new);
            semver::sort(&mut self.versions);
            self.versions.dedup();
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// The versions from the lowest up.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Version> {
        self.versions.iter()
    }

    /// The body of `/@v/list`.
    pub fn to_bytes(&self) -> Bytes {
        let lines = self.versions.iter().map(|version| version.as_str().len() + 1);
        let mut text = String::with_capacity(lines.sum());
        for version in &self.versions {
            text.push_str(version.as_str());
            text.push('\n');
        }
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(path: &str, text: &str) -> String {
        let list = VersionList::parse(&ModulePath::parse(path).expect(path), text.as_bytes());
        String::from_utf8(list.to_bytes().to_vec()).expect("utf-8")
    }

    #[test]
    fn what_a_client_would_print_or_select_by_mistake_is_left_out() {
        let text = "v1.10.0\nv1.9.0 2024-01-02T03:04:05Z\nv1\nv1.2\nv1.0.0+meta\nv2.0.0\nv2.0.0+incompatible\n\
                    v0.0.0-20240102030405-abcdefabcdef\nv1.9.0\nnonsense\n\n";
        assert_eq!(
            list("example.com/a", text),
            "v1.9.0\nv1.10.0\nv2.0.0+incompatible\n"
        );
        assert_eq!(
            list("example.com/a/v2", "v2.0.0\nv1.0.0\nv2.1.0-rc.1\r\n"),
            "v2.0.0\nv2.1.0-rc.1\n"
        );
        assert_eq!(list("example.com/a", ""), "");
    }

    #[test]
    fn what_follows_a_version_may_be_anything() {
        let path = ModulePath::parse("example.com/a").expect("a path");
        let list = VersionList::parse(&path, b"v1.0.0 \xff\xfe\nv1.1.0\xff\nv1.2.0\t\xc3\n");
        assert_eq!(list.to_bytes(), "v1.0.0\nv1.2.0\n");
    }

    #[test]
    fn stored_versions_are_added_in_their_places() {
        let path = ModulePath::parse("example.com/a").expect("a path");
        let stored = |text: &str, go_mod| {
            let version = Version::parse(text).expect(text);
            StoredVersion {
                info: true,
                go_mod,
                ..StoredVersion::new(version)
            }
        };
        let mut list = VersionList::parse(&path, b"v1.10.0\nv1.2.0\n");
        let stored = [
            stored("v1.10.0", true),
            stored("v1.9.0", true),
            stored("v1.3.0", false),
            stored("v2.0.0", true),
            stored("v0.0.0-20240102030405-abcdefabcdef", true),
        ];
        list.add_stored(&path, &stored);
        assert_eq!(list.to_bytes(), "v1.2.0\nv1.9.0\nv1.10.0\n");
    }
}
