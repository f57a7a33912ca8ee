//! What is found.

use super::kind::RepoKind;
use crate::outbound::Address;

/// The repository of a module path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoRoot {
    /// The leading part of the path that the repository stands for, whole elements. Modules may lie in its folders.
    pub root: String,
    /// What is at the URL.
    pub kind: RepoKind,
    /// Where it is. It may have a user, and a password if a page gave one.
    pub repo: Address,
    /// The folder of the repository that stands for the root: elements between slashes, none of them `..`; empty for
    /// the repository itself.
    pub subdir: String,
    /// The path may be asked for without encryption.
    pub insecure: bool,
}
