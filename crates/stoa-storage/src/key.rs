//! What names a stored file.

use std::fmt;

use stoa_module::{ModulePath, ModuleVersion, Version};

/// The directory in which a module's versions are.
pub(crate) const VERSIONS: &str = "@v";

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

    /// The key whose place is `text`, as it prints; `None` for what is no such place.
    pub fn parse(text: &str) -> Option<Self> {
        let (module, name) = text.rsplit_once('/')?;
        let module = module.strip_suffix(VERSIONS)?.strip_suffix('/')?;
        Self::of_name(&ModulePath::unescape(module).ok()?, name)
    }

    /// The file of `module` that is called `name` in its directory; `None` for names that stoa does not write.
    pub(crate) fn of_name(module: &ModulePath, name: &str) -> Option<Self> {
        let (stem, suffix) = name.rsplit_once('.')?;
        let kind = FileKind::ALL.into_iter().find(|kind| kind.suffix() == suffix)?;
        let version = Version::unescape(stem).ok()?;
        let target = ModuleVersion::new(module.clone(), version).ok()?;
        Some(Self::new(target, kind))
    }
}

/// Where the files of a module are, as text: its place in the order of modules.
pub(crate) fn module_place(module: &ModulePath) -> String {
    format!("{}/{VERSIONS}/", module.escaped())
}

impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (module, version) = (self.target.path().escaped(), self.target.version().escaped());
        write!(f, "{module}/@v/{version}.{}", self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_prints() {
        for text in [
            "github.com/!burnt!sushi/toml/@v/v1.0.0.zip",
            "gopkg.in/yaml.v2/@v/v2.4.0.info",
            "example.com/m/@v/v2.0.0+incompatible.mod",
        ] {
            let key = FileKey::parse(text).expect("a key");
            assert_eq!(key.to_string(), text);
        }
        for text in [
            "",
            "@v/v1.0.0.zip",
            "/@v/v1.0.0.zip",
            "example.com/m/@v/v1.0.0.ziphash",
            "example.com/m/@v/list",
            "example.com/m/v1.0.0.zip",
            "example.com/M/@v/v1.0.0.zip",
            "example.com/m/@v/v3.0.0.zip",
            "example.com/m/@v/x/v1.0.0.zip",
            "example.com/mx@v/v1.0.0.zip",
        ] {
            assert_eq!(FileKey::parse(text), None, "{text}");
        }
    }
}
