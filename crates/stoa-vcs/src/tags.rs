//! Tags.

/// How many bytes a list of tags may have that a program prints. What is longer than this no repository needs, and would
/// be read and sorted for long.
pub(crate) const LIST_LIMIT: u64 = 4 << 20;

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// Its name, without `refs/tags/`.
    pub name: String,
    /// What it names, peeled; `None` where a list of tags does not say (every system but git).
    pub hash: Option<String>,
}

/// The tags of a repository that begin with a prefix, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    /// The tags.
    pub list: Vec<Tag>,
    /// A checksum over all refs of the repository, where the system can tell: `r1:` and base64 (cmd/go's `RepoSum`).
    pub repo_sum: Option<String>,
}
