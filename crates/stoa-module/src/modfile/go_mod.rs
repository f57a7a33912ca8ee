//! What the go.mod of a module has to be at least.

use super::error::ModFileErrors;
use super::file::ModFile;
use crate::{ModulePath, quoted};

/// Why a file cannot be the go.mod of a module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GoModError {
    /// It cannot be read.
    #[error("not a go.mod: {}", first_line(.0))]
    Unreadable(#[from] ModFileErrors),
    /// It has no module line: an empty file, a page, another kind of text.
    #[error("not a go.mod: it has no module line")]
    NoModule,
    /// It is of a module with another major version.
    #[error(
        "the go.mod declares its path as {}, which cannot be a version of {path}",
        quoted(declared)
    )]
    OtherMajor {
        /// The path it declares.
        declared: String,
        /// The path of the module that was asked for.
        path: ModulePath,
    },
}

/// Checks that a file can be the go.mod of a module `path` that others depend on: they can read it, and it declares a path
/// of the same major version.
///
/// The go command never asks for more before it knows what the module is for: a fork keeps the path of what it was forked
/// from, and is used by a `replace` (`findDir` of modfetch, `goModSummary` of modload).
///
/// # Errors
///
/// One line that says what is wrong with it.
pub fn check_go_mod(path: &ModulePath, go_mod: &[u8]) -> Result<(), GoModError> {
    let declared = ModFile::parse_lax("go.mod", go_mod)?
        .module
        .map_or_else(String::new, |module| module.path);
    if declared.is_empty() {
        return Err(GoModError::NoModule);
    }
    if !path.split().1.accepts(&declared) {
        let path = path.clone();
        return Err(GoModError::OtherMajor { declared, path });
    }
    Ok(())
}

fn first_line(errors: &ModFileErrors) -> String {
    errors
        .errors()
        .first()
        .map(ToString::to_string)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, go_mod: &str) -> Result<(), String> {
        let path = ModulePath::parse(path).expect(path);
        check_go_mod(&path, go_mod.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_dependents_can_use_is_a_go_mod() {
        for (path, go_mod) in [
            ("h.com/r", "module h.com/r"),
            (
                "h.com/r",
                "// Deprecated: no.\nmodule (\n\t\"h.com/r\"\n)\nfuture directive\n",
            ),
            ("h.com/r", "module h.com/r\ngo 1.99\nrequire x.com/y v1.0.0\n"),
            ("h.com/fork", "module h.com/r\n\nreplace a.com/b => ../b\n"),
            ("h.com/r", "module gopkg.in/r.v3\n"),
            ("h.com/r/v2", "module h.com/other/v2\n"),
            ("gopkg.in/r.v3", "module gopkg.in/r.v3\n"),
        ] {
            assert_eq!(check(path, go_mod), Ok(()), "{path} {go_mod}");
        }
    }

    #[test]
    fn anything_else_says_in_one_line_why_it_is_none() {
        for (path, go_mod, want) in [
            ("h.com/r", "", "not a go.mod: it has no module line"),
            ("h.com/r", "\n// nothing\n", "not a go.mod: it has no module line"),
            ("h.com/r", "module \"\"\n", "not a go.mod"),
            (
                "h.com/r",
                "<html><body>Log in</body></html>\n",
                "not a go.mod: it has no module line",
            ),
            ("h.com/r", "{\"error\":\"no\"}", "not a go.mod: "),
            ("h.com/r", "PK\x03\x04\0\0", "not a go.mod: "),
            (
                "h.com/r",
                "module h.com/r\n\nrequire (\n\tx.com/y v1.0.0\n",
                "not a go.mod: go.mod:5: syntax error (unterminated block started at go.mod:3:1)",
            ),
            (
                "h.com/r",
                "module h.com/r\nrequire y\nrequire z\n",
                "not a go.mod: go.mod:2:",
            ),
            (
                "h.com/r",
                "module h.com/r/v2\n",
                "the go.mod declares its path as \"h.com/r/v2\", which cannot be a version of h.com/r",
            ),
            (
                "h.com/r/v2",
                "module h.com/r\n",
                "the go.mod declares its path as \"h.com/r\"",
            ),
            (
                "gopkg.in/r.v3",
                "module h.com/r\n",
                "the go.mod declares its path as \"h.com/r\"",
            ),
        ] {
            let error = check(path, go_mod).expect_err(go_mod);
            assert!(
                error.starts_with(want) && error.lines().count() == 1,
                "{go_mod:?}: {error}"
            );
        }
    }
}
