//! Reading go.mod files.

use super::directive::Reader;
use super::error::ModFileErrors;
use super::file::ModFile;
use super::lexer::decode_file;
use super::parser::parse;

impl ModFile {
    /// Reads the go.mod file of a main module (`modfile.Parse` without a version fixer): every line must be known
    /// and right. `file` is the name of the file for errors.
    ///
    /// # Errors
    ///
    /// [`ModFileErrors`] with everything that is wrong, or the first syntax error.
    ///
    /// # Deviation
    ///
    /// Bytes that are not UTF-8 come out as U+FFFD.
    pub fn parse(file: &str, data: &[u8]) -> Result<Self, ModFileErrors> {
        Self::read(file, data, true)
    }

    /// Reads the go.mod file of any module (`modfile.ParseLax` without a version fixer): only the directives
    /// `module`, `go`, `require`, `retract` and `ignore` are read, and all others ignored, for later versions of Go
    /// may have more. Retractions that cannot be read are ignored too.
    ///
    /// # Errors
    ///
    /// As [`ModFile::parse`], for the directives that are read.
    pub fn parse_lax(file: &str, data: &[u8]) -> Result<Self, ModFileErrors> {
        Self::read(file, data, false)
    }

    fn read(file: &str, data: &[u8], strict: bool) -> Result<Self, ModFileErrors> {
        let text = decode_file(data);
        let mut reader = Reader::new(file, strict);
        for statement in parse(file, &text).map_err(|error| ModFileErrors::syntax(file, error))? {
            reader.read(&statement);
        }
        reader.finish()
    }
}
