//! What can be wrong with a go.mod file.

use std::fmt;

use super::StringError;
use crate::VersionError;
use crate::quote::{Quoted, QuotedChar};

/// A place in a file: line and column, counted in characters, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// Everything that is wrong with a go.mod file (`modfile.ErrorList`), in the order of the file and never empty.
/// Prints one error a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModFileErrors(Vec<ModFileError>);

impl ModFileErrors {
    /// The errors in the order of the file.
    pub fn errors(&self) -> &[ModFileError] {
        &self.0
    }

    /// A syntax error, which is always the only one.
    pub(super) fn syntax(file: &str, (position, reason): (Position, SyntaxReason)) -> Self {
        Self(vec![ModFileError {
            file: file.to_owned(),
            position,
            directive: None,
            reason: reason.into(),
        }])
    }

    /// `value` if there are no errors.
    pub(super) fn check<T>(errors: Vec<ModFileError>, value: T) -> Result<T, Self> {
        if errors.is_empty() {
            Ok(value)
        } else {
            Err(Self(errors))
        }
    }
}

impl fmt::Display for ModFileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            fmt::Display::fmt(error, f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ModFileErrors {}

/// One thing that is wrong with a go.mod file (`modfile.Error`). The text is Go's, character for character.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{reason}", Place(self), directive.as_ref().map_or_else(String::new, ToString::to_string))]
pub struct ModFileError {
    /// The name of the file, as it was given to the parser.
    pub file: String,
    /// Where the line at fault starts, or the token if lines could not be made out yet.
    pub position: Position,
    /// The directive and module that the error is about, where Go names them.
    pub directive: Option<Directive>,
    /// What is wrong.
    #[source]
    pub reason: ModFileReason,
}

/// Prints `file:line: `, with the column unless it is the first.
struct Place<'a>(&'a ModFileError);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ModFileError {
            file,
            position: Position { line, column },
            ..
        } = self.0;
        match column {
            1 => write!(f, "{file}:{line}: "),
            _ => write!(f, "{file}:{line}:{column}: "),
        }
    }
}

/// The directive and module that a fault is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The first word of the line or block, as `require`.
    pub verb: &'static str,
    /// The module path, empty if the directive has none.
    pub path: String,
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "{}: ", self.verb),
            path => write!(f, "{} {path}: ", self.verb),
        }
    }
}

/// What is wrong with a line, and the directive it is about where the text of the error names one.
pub(super) type LineError = (Option<Directive>, ModFileReason);

/// What is wrong with a line of a go.mod file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModFileReason {
    /// The text cannot be divided into lines and blocks.
    #[error(transparent)]
    Syntax(#[from] SyntaxReason),
    /// A line starts with a word that is no directive.
    #[error("unknown directive: {0}")]
    UnknownDirective(String),
    /// A block starts with words that take no block.
    #[error("unknown block type: {0}")]
    UnknownBlock(String),
    /// A directive stands twice that may stand once.
    #[error("repeated {0} statement")]
    Repeated(&'static str),
    /// A directive takes one argument and has none or more.
    #[error("{0} directive expects exactly one argument")]
    NotOneArgument(&'static str),
    /// The arguments are not those the directive takes.
    #[error("usage: {0}")]
    Usage(&'static str),
    /// A go line has no version of Go.
    #[error("invalid go version '{0}': must match format 1.23.0")]
    GoVersion(String),
    /// A toolchain line has no name of a toolchain.
    #[error("invalid toolchain version '{0}': must match format go1.23.0 or default")]
    Toolchain(String),
    /// A string is not quoted as it must be.
    #[error("invalid quoted string: {0}")]
    String(#[source] StringError),
    /// A module path ends in something that looks like a major version and must not be one.
    #[error("invalid module path")]
    ModulePath,
    /// A text is no version, or no version of its module.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// A version interval is not `[low, high]`.
    #[error("expected {0}")]
    Interval(&'static str),
    /// A line goes on after what it should say.
    #[error("unexpected token after version: {}", Quoted::text(_0))]
    AfterVersion(String),
    /// A replacement is written `path@version`.
    #[error("replacement module must match format 'path version', not 'path@version'")]
    ReplacementAtVersion,
    /// A replacement has no version and is no directory.
    #[error("replacement module without version must be directory path (rooted or starting with . or ..)")]
    ReplacementWithoutVersion,
    /// A replacement is a directory of another system.
    #[error("replacement directory appears to be Windows path (on a non-windows system)")]
    ReplacementOnWindows,
    /// A replacement is a directory and has a version.
    #[error("replacement module directory path {} cannot have version", Quoted::text(_0))]
    ReplacementDirectoryVersion(String),
}

/// What keeps a text from being divided into lines and blocks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxReason {
    /// A comment starts with `/*`.
    #[error("mod files must use // comments (not /* */ comments)")]
    BlockComment,
    /// A string does not end.
    #[error("unexpected EOF in string")]
    EndInString,
    /// A string does not end on its line.
    #[error("unexpected newline in string")]
    NewlineInString,
    /// A character that no token has.
    #[error("unexpected input character {}", QuotedChar(*_0))]
    UnexpectedChar(char),
    /// A block does not end.
    #[error("syntax error (unterminated block started at {file}:{}:{})", start.line, start.column)]
    UnterminatedBlock {
        /// The name of the file.
        file: String,
        /// Where the block starts.
        start: Position,
    },
    /// A line goes on after the end of a block.
    #[error("syntax error (expected newline after closing paren)")]
    AfterBlock,
}
