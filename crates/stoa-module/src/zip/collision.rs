//! Names that cannot stand side by side in one directory tree.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::problem::FileProblem;
use crate::fold::fold;

/// Finds case-insensitive collisions, duplicates, and names that are both a file and a directory
/// (`collisionChecker` of `golang.org/x/mod/zip`).
#[derive(Debug)]
pub(super) struct Collisions {
    /// By folded name.
    seen: HashMap<Box<str>, Seen>,
    /// Bytes of names that may still be compared. A path of n bytes has up to n/2 parents, so without a bound a few
    /// megabytes of names could cost gigabytes.
    budget: u64,
    /// A known directory had all its parents checked, unless some check failed half way.
    failed: bool,
}

#[derive(Debug)]
struct Seen {
    /// The name as it was written, if folding changes it.
    written: Option<Box<str>>,
    is_dir: bool,
}

/// The answer to a name.
#[derive(Debug)]
pub(super) enum Collision {
    /// The name is at odds with an earlier one.
    Found(FileProblem),
    /// The names exceed the budget.
    OverBudget,
}

impl Collisions {
    pub(super) fn new(budget: u64) -> Self {
        Self {
            seen: HashMap::new(),
            budget,
            failed: false,
        }
    }

    /// Adds a path that passed `check_file_path`, and all its parent directories.
    pub(super) fn check(&mut self, path: &str, is_dir: bool) -> Result<(), Collision> {
        let (mut path, mut is_dir) = (path, is_dir);
        loop {
            let known = self.check_one(path, is_dir).inspect_err(|_| self.failed = true)?;
            if known && !self.failed {
                return Ok(());
            }
            let Some((parent, _)) = path.rsplit_once('/') else {
                return Ok(());
            };
            (path, is_dir) = (parent, true);
        }
    }

    /// Whether the very same directory is known already.
    fn check_one(&mut self, path: &str, is_dir: bool) -> Result<bool, Collision> {
        self.budget = self
            .budget
            .checked_sub(path.len() as u64)
            .ok_or(Collision::OverBudget)?;
        let folded = fold(path);
        let written = matches!(folded, Cow::Owned(_)).then(|| path.into());
        let slot = match self.seen.entry(folded.into()) {
            Entry::Vacant(slot) => {
                slot.insert(Seen { written, is_dir });
                return Ok(false);
            }
            Entry::Occupied(slot) => slot,
        };
        let first = slot.get().written.as_ref().unwrap_or(slot.key());
        let problem = if **first != *path {
            FileProblem::CaseCollision {
                first: first.to_string(),
                second: path.to_owned(),
            }
        } else if is_dir != slot.get().is_dir {
            FileProblem::FileAndDirectory {
                path: path.to_owned(),
            }
        } else if !is_dir {
            FileProblem::Duplicate {
                path: path.to_owned(),
            }
        } else {
            return Ok(true);
        };
        Err(Collision::Found(problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(result: Result<(), Collision>) -> String {
        match result {
            Ok(()) => String::new(),
            Err(Collision::Found(problem)) => problem.to_string(),
            Err(Collision::OverBudget) => "over budget".to_owned(),
        }
    }

    #[test]
    fn parents_are_compared_too() {
        let mut names = Collisions::new(1000);
        assert_eq!(text(names.check("Dir/a", false)), "");
        assert_eq!(text(names.check("Dir/b", false)), "");
        assert_eq!(
            text(names.check("dir/sub/c", false)),
            r#"case-insensitive file name collision: "Dir" and "dir""#
        );
        // The first failure left `dir/sub` behind: its parent is looked at again.
        assert_eq!(
            text(names.check("dir/sub/d", false)),
            r#"case-insensitive file name collision: "Dir" and "dir""#
        );
    }

    #[test]
    fn files_and_directories() {
        let mut names = Collisions::new(1000);
        assert_eq!(text(names.check("a", false)), "");
        assert_eq!(
            text(names.check("a/b", false)),
            r#"entry "a" is both a file and a directory"#
        );
        assert_eq!(text(names.check("a", false)), r#"multiple entries for file "a""#);
        assert_eq!(text(names.check("d", true)), "");
        assert_eq!(text(names.check("d", true)), "");
        assert_eq!(
            text(names.check("d", false)),
            r#"entry "d" is both a file and a directory"#
        );
    }

    #[test]
    fn deep_paths_exhaust_the_budget() {
        let mut names = Collisions::new(1 << 20);
        let deep = "a/".repeat(30_000) + "a";
        assert_eq!(text(names.check(&deep, false)), "over budget");
    }
}
