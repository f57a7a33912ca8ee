//! Modules that a file asks for.

use std::collections::BTreeMap;

use crate::modfile::ModFile;
use crate::{ModulePath, ModuleVersion, Query, Version};

/// Which files of a module version are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WantedFiles {
    /// Its go.mod alone, as of a module that is only looked at to choose versions.
    GoMod,
    /// All of them.
    All,
}

/// What kind of text names the modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedFormat {
    /// A go.sum file: exactly what a build downloads.
    GoSum,
    /// A go.mod file: what it requires, replaced where it says so.
    GoMod,
    /// What `go version -m` prints of programs: what they were built of.
    BuildInfo,
    /// Lines of `PATH@QUERY`, `PATH QUERY` or `PATH`, as `go list -m all` prints them; `#` and `//` begin a comment.
    List,
}

impl WantedFormat {
    /// The format of a file by its name, or else by its first lines.
    pub fn of(name: &str, text: &str) -> Self {
        let name = name.rsplit('/').next().unwrap_or(name);
        let is_build_info = |line: &str| line.starts_with("\tpath\t") || line.starts_with("\tmod\t");
        match name {
            "go.sum" | "go.work.sum" => Self::GoSum,
            "go.mod" => Self::GoMod,
            _ if text.lines().take(100).any(is_build_info) => Self::BuildInfo,
            _ if text.lines().take(100).any(|line| line.contains(" h1:")) => Self::GoSum,
            _ => Self::List,
        }
    }
}

/// Modules that a file asks for, each once.
///
/// ```
/// use stoa_module::{Wanted, WantedFormat, WantedFiles};
///
/// let sum = "example.com/a v1.0.0 h1:9kg=\nexample.com/a v1.0.0/go.mod h1:8c0=\nexample.com/b v1.2.0/go.mod h1:7fM=\n";
/// let wanted = Wanted::read(WantedFormat::GoSum, sum)?;
/// let files: Vec<_> = wanted.versions.iter().map(|(module, files)| (module.to_string(), *files)).collect();
/// assert_eq!(files, [
///     ("example.com/a@v1.0.0".to_owned(), WantedFiles::All),
///     ("example.com/b@v1.2.0".to_owned(), WantedFiles::GoMod),
/// ]);
/// # Ok::<_, stoa_module::WantedError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Versions that are named, and which of their files.
    pub versions: BTreeMap<ModuleVersion, WantedFiles>,
    /// What is left to the source to choose: a branch, `latest`.
    pub queries: BTreeMap<(ModulePath, String), Query>,
}

/// A line that asks for nothing that there could be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct WantedError {
    /// The number of the line, from 1; 0 if it is about the whole.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// Whether a list is what `go list -m all` prints: a path, and then lines of a path and a version each, or of a replacement.
fn is_build_list(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let is_main = |line: &str| {
        !line.starts_with('#') && !line.contains('@') && line.split_ascii_whitespace().count() == 1
    };
    lines.next().is_some_and(is_main)
        && text.lines().filter(|line| !line.trim().is_empty()).count() > 1
        && lines.all(|line| {
            line.split_ascii_whitespace()
                .nth(1)
                .is_some_and(|word| word.starts_with('v') || word == "=>")
        })
}

impl Wanted {
    /// Reads a text of this format.
    ///
    /// # Errors
    /// The first line that names no module version.
    pub fn read(format: WantedFormat, text: &str) -> Result<Self, WantedError> {
        let mut wanted = Self::default();
        if format == WantedFormat::GoMod {
            wanted.read_go_mod(text)?;
            return Ok(wanted);
        }
        // A replaced module of a program is the line before.
        let mut replaceable = None;
        // `go list -m all` begins with the main module, which has no version and is nobody's to bring in.
        let is_build_list = format == WantedFormat::List && is_build_list(text);
        for (index, line) in text.lines().enumerate().skip(usize::from(is_build_list)) {
            let read = match format {
                WantedFormat::GoSum => wanted.read_sum_line(line),
                WantedFormat::BuildInfo => wanted.read_build_line(line, &mut replaceable),
                WantedFormat::List | WantedFormat::GoMod => wanted.read_list_line(line),
            };
            read.map_err(|reason| WantedError {
                line: index + 1,
                reason,
            })?;
        }
        Ok(wanted)
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty() && self.queries.is_empty()
    }

    fn add(&mut self, path: &str, version: &str, files: WantedFiles) -> Result<ModuleVersion, String> {
        let path = ModulePath::parse(path).map_err(|error| error.to_string())?;
        let version = Version::parse(version).map_err(|error| error.to_string())?;
        let module = ModuleVersion::new(path, version).map_err(|error| error.to_string())?;
        let wanted = self.versions.entry(module.clone()).or_insert(files);
        *wanted = files.max(*wanted);
        Ok(module)
    }

    /// `PATH VERSION[/go.mod] HASH` (cmd/go/internal/modfetch, `readGoSum`).
    fn read_sum_line(&mut self, line: &str) -> Result<(), String> {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        match fields[..] {
            [] => Ok(()),
            [path, version, _hash] => match version.strip_suffix("/go.mod") {
                Some(version) => self.add(path, version, WantedFiles::GoMod).map(drop),
                None => self.add(path, version, WantedFiles::All).map(drop),
            },
            _ => Err(format!(
                "wrong number of fields {}, a line of go.sum has 3",
                fields.len()
            )),
        }
    }

    /// Lines of `go version -m` begin with a tab: `mod`, `dep` and `=>`, path, version and hash. What was built of a folder has
    /// no version, `(devel)`, or no hash.
    fn read_build_line(&mut self, line: &str, replaceable: &mut Option<ModuleVersion>) -> Result<(), String> {
        let fields: Vec<&str> = line.strip_prefix('\t').unwrap_or_default().split('\t').collect();
        let [name @ ("mod" | "dep" | "=>"), path, version, ..] = fields[..] else {
            return Ok(());
        };
        if name == "=>"
            && let Some(replaced) = replaceable.take()
        {
            self.versions.remove(&replaced);
        }
        if !version.starts_with('v') || name == "mod" && version.contains("+dirty") {
            return Ok(());
        }
        *replaceable = Some(self.add(path, version, WantedFiles::All)?);
        Ok(())
    }

    fn read_list_line(&mut self, line: &str) -> Result<(), String> {
        let line = line.split(" //").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with("//") {
            return Ok(());
        }
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (path, query) = match fields[..] {
            // `go list -m all` begins with the main module, which has no version, and shows replacements with an arrow.
            [_path, "=>", path] | [_path, _, "=>", path] if path.starts_with(['.', '/']) => return Ok(()),
            [_path, _, "=>", path, version] | [_path, "=>", path, version] => (path, version),
            [path, query] => (path, query),
            [both] => both.split_once('@').unwrap_or((both, "latest")),
            _ => return Err(format!("{line:?} is no PATH@QUERY, PATH QUERY or PATH")),
        };
        let path = ModulePath::parse(path).map_err(|error| error.to_string())?;
        match Query::parse(&path, query).map_err(|error| error.to_string())? {
            Query::Version(version) => self
                .add(path.as_str(), version.as_str(), WantedFiles::All)
                .map(drop),
            query @ Query::Revision(_) => {
                self.queries.insert((path, query.as_str().to_owned()), query);
                Ok(())
            }
        }
    }

    fn read_go_mod(&mut self, text: &str) -> Result<(), WantedError> {
        let fault = |reason: String| WantedError { line: 0, reason };
        let file = ModFile::parse("go.mod", text.as_bytes()).map_err(|errors| fault(errors.to_string()))?;
        for require in &file.require {
            let replacement = file.replace.iter().find(|replace| {
                replace.path == require.path
                    && replace
                        .version
                        .as_ref()
                        .is_none_or(|version| *version == require.version)
            });
            let (path, version) = match replacement {
                // A folder is not downloaded.
                Some(replace) if replace.new_version.is_none() => continue,
                Some(replace) => (
                    &replace.new_path,
                    replace.new_version.as_ref().unwrap_or(&require.version),
                ),
                None => (&require.path, &require.version),
            };
            self.add(path, version.as_str(), WantedFiles::All)
                .map_err(fault)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
