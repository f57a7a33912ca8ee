//! What a system can do.

/// Whether a system can do something, and if not, why: the reason is for the reader of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// The suite checks it.
    Yes,
    /// The suite leaves it out, or checks that the adapter says so.
    No(&'static str),
}

impl Ability {
    /// Whether the suite checks it.
    pub fn is_there(self) -> bool {
        self == Self::Yes
    }
}

/// What a system can do, as far as systems differ.
#[derive(Clone, Copy, Debug)]
pub struct Abilities {
    /// [`tags`](crate::Repository::tags) lists tags by the names under which they were made.
    pub lists_tags: Ability,
    /// A tag is a revision string.
    pub resolves_tags: Ability,
    /// A revision knows the tags on its commit; one that a tag resolved has the tag as its `version`.
    pub versions_from_tags: Ability,
    /// A branch is a revision string.
    pub branches: Ability,
    /// The newest commit is that of the default branch, not the newest of all branches.
    pub default_branch: Ability,
    /// Commits are named by hashes, which may be shortened. Other systems count them: a short name has 12 digits.
    pub hashes: Ability,
    /// The adapter can say which commit descends from which.
    pub ancestry: Ability,
    /// A repository can be without commits.
    pub empty: Ability,
    /// A repository that is not there is [not existent](crate::VcsError::is_not_exist), not a failure.
    pub tells_missing: Ability,
    /// The program can be given a password that no other process sees.
    pub passwords: Ability,
    /// The last commit can be taken away with [`Change::Undo`](super::Change::Undo).
    pub rewrites: Ability,
    /// [`read_file`](crate::Repository::read_file) tells where a symbolic link points to. A system that cannot tell gives
    /// nothing.
    pub reads_links: Ability,
    /// Names of files need not be UTF-8.
    pub raw_names: Ability,
    /// How runs are counted that keep a local copy; `None` if the adapter asks the server each time.
    pub copies: Option<CopyCounters>,
}

/// Under which names an adapter counts the runs that keep its local copy.
#[derive(Clone, Copy, Debug)]
pub struct CopyCounters {
    /// Counted once for each copy that is made.
    pub made: &'static str,
    /// Counted each time the server is asked whether a copy is up to date.
    pub asked: &'static str,
    /// How often the latter is counted while a copy is made.
    pub asked_while_made: u64,
}
