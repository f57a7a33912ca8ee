//! What names a stored file.

use std::fmt;

use stoa_module::ModuleVersion;

/// The files of a module version. Each is stored, looked up and quarantined on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// The version's metadata, JSON.
    Info,
    /// The `go.mod` file.
    Mod,
    /// The module's content.
    Zip,
}

impl FileKind {
    /// Every kind, in the order in which a go command asks for them.
    pub const ALL: [Self; 3] = [Self::Info, Self::Mod, Self::Zip];

    /// What follows the dot in the file's name: `info`, `mod` or `zip`.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Mod => "mod",
            Self::Zip => "zip",
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.suffix())
    }
}

/// The name of one stored file.
///
/// Prints as its place in the GOPROXY layout, `<escaped module>/@v/<escaped version>.<suffix>`, which is safe
/// on file systems that fold case: `github.com/BurntSushi/toml` becomes `github.com/!burnt!sushi/toml`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileKey {
    /// The module version the file belongs to.
    pub target: ModuleVersion,
    /// Which of its files.
    pub kind: FileKind,
}

impl FileKey {
    /// Names the `kind` file of `target`.
    pub fn new(target: ModuleVersion, kind: FileKind) -> Self {
        Self { target, kind }
    }
}

impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (module, version) = (self.target.path().escaped(), self.target.version().escaped());
        write!(f, "{module}/@v/{version}.{}", self.kind)
    }
}
