//! What paths name.

use std::fmt;

/// What a path names, which decides the rules it is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathKind {
    /// A module path (`module.CheckPath`): the strictest rules, fit for a URL and a directory name.
    Module,
    /// A package import path (`module.CheckImportPath`).
    Import,
    /// A slash-separated file path within a module (`module.CheckFilePath`).
    File,
}

impl fmt::Display for PathKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Module => "module",
            Self::Import => "import",
            Self::File => "file",
        })
    }
}
