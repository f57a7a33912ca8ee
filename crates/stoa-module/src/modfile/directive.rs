//! Reading the directives of go.mod files.

use super::arguments::{parse_only, parse_path, parse_requirement, usage};
use super::error::{LineError, ModFileError, ModFileErrors, ModFileReason, Position};
use super::file::{Exclude, Godebug, ModFile, Module, Require, Retract};
use super::go_version::{is_go_version, is_toolchain, language_of_later_go};
use super::interval::parse_interval;
use super::parser::{Block, Line, Statement};
use super::replace::parse_replace;

/// Reads statements into a file, and collects what is wrong with them.
pub(super) struct Reader<'f> {
    file: &'f str,
    strict: bool,
    read: ModFile,
    errors: Vec<ModFileError>,
}

impl<'f> Reader<'f> {
    pub(super) fn new(file: &'f str, strict: bool) -> Self {
        Self {
            file,
            strict,
            read: ModFile::default(),
            errors: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> Result<ModFile, ModFileErrors> {
        ModFileErrors::check(self.errors, self.read)
    }

    pub(super) fn read(&mut self, statement: &Statement<'_>) {
        match statement {
            Statement::Line(line) => {
                if let [verb, args @ ..] = line.tokens.as_slice() {
                    self.read_line(None, line, verb, args);
                }
            }
            Statement::Block(block) => match block.tokens.as_slice() {
                [
                    verb @ ("module" | "godebug" | "require" | "exclude" | "replace" | "retract" | "tool"
                    | "ignore"),
                ] => {
                    for line in &block.lines {
                        self.read_line(Some(block), line, verb, &line.tokens);
                    }
                }
                words if self.strict => {
                    self.add_error(block.start, (None, ModFileReason::UnknownBlock(words.join(" "))));
                }
                _ => {}
            },
        }
    }

    fn read_line(&mut self, block: Option<&Block<'_>>, line: &Line<'_>, verb: &str, args: &[&str]) {
        // What else there is concerns the main module alone, or is of a Go to come.
        if !self.strict && !matches!(verb, "module" | "go" | "require" | "retract" | "ignore") {
            return;
        }
        let read = match verb {
            "module" => self.read_module(block, line, args),
            "go" => self.read_go(args),
            "toolchain" => self.read_toolchain(args),
            "godebug" => self.read_godebug(args),
            "require" => parse_requirement("require", args).map(|(path, version)| {
                self.read.require.push(Require {
                    path,
                    version,
                    indirect: is_indirect(line),
                });
            }),
            "exclude" => parse_requirement("exclude", args).map(|(path, version)| {
                self.read.exclude.push(Exclude { path, version });
            }),
            "replace" => parse_replace(args).map(|replace| self.read.replace.push(replace)),
            "retract" => self.read_retract(block, line, args),
            "tool" => parse_only("tool", args).map(|path| self.read.tool.push(path)),
            "ignore" => parse_only("ignore", args).map(|path| self.read.ignore.push(path)),
            verb => Err((None, ModFileReason::UnknownDirective(verb.to_owned()))),
        };
        if let Err(reason) = read {
            self.add_error(line.start, reason);
        }
    }

    fn add_error(&mut self, position: Position, (directive, reason): LineError) {
        self.errors.push(ModFileError {
            file: self.file.to_owned(),
            position,
            directive,
            reason,
        });
    }

    fn read_module(
        &mut self,
        block: Option<&Block<'_>>,
        line: &Line<'_>,
        args: &[&str],
    ) -> Result<(), LineError> {
        if self.read.module.is_some() {
            return Err((None, ModFileReason::Repeated("module")));
        }
        let deprecated = find_deprecation(&join_comments(block, line));
        let module = self.read.module.insert(Module {
            path: String::new(),
            deprecated,
        });
        let [path] = args else {
            return Err((None, usage("module")));
        };
        module.path = parse_path(path)?;
        Ok(())
    }

    fn read_go(&mut self, args: &[&str]) -> Result<(), LineError> {
        if self.read.go.is_some() {
            return Err((None, ModFileReason::Repeated("go")));
        }
        let &[version] = args else {
            return Err((None, ModFileReason::NotOneArgument("go")));
        };
        let read = match is_go_version(version) {
            true => Some(version),
            false if self.strict => None,
            false => language_of_later_go(version),
        };
        let Some(read) = read else {
            return Err((None, ModFileReason::GoVersion(version.to_owned())));
        };
        self.read.go = Some(read.to_owned());
        Ok(())
    }

    fn read_toolchain(&mut self, args: &[&str]) -> Result<(), LineError> {
        if self.read.toolchain.is_some() {
            return Err((None, ModFileReason::Repeated("toolchain")));
        }
        let &[name] = args else {
            return Err((None, ModFileReason::NotOneArgument("toolchain")));
        };
        if !is_toolchain(name) {
            return Err((None, ModFileReason::Toolchain(name.to_owned())));
        }
        self.read.toolchain = Some(name.to_owned());
        Ok(())
    }

    fn read_godebug(&mut self, args: &[&str]) -> Result<(), LineError> {
        match args {
            [setting] if !setting.contains(['"', '`', '\'', ',']) => match setting.split_once('=') {
                Some((key, value)) => {
                    self.read.godebug.push(Godebug {
                        key: key.to_owned(),
                        value: value.to_owned(),
                    });
                    Ok(())
                }
                None => Err((None, usage("godebug"))),
            },
            _ => Err((None, usage("godebug"))),
        }
    }

    fn read_retract(
        &mut self,
        block: Option<&Block<'_>>,
        line: &Line<'_>,
        args: &[&str],
    ) -> Result<(), LineError> {
        let (low, high, rest) = match parse_interval(args) {
            Ok(interval) => interval,
            // A Go to come may have other intervals, which must not break the module for this one.
            Err(_) if !self.strict => return Ok(()),
            Err(reason) => return Err(reason),
        };
        if let ([token, ..], true) = (rest, self.strict) {
            return Err((None, ModFileReason::AfterVersion((*token).to_owned())));
        }
        self.read.retract.push(Retract {
            low,
            high,
            rationale: join_comments(block, line),
        });
        Ok(())
    }
}

/// Whether the comment behind a line starts with `indirect`.
fn is_indirect(line: &Line<'_>) -> bool {
    let comment = line
        .suffix
        .and_then(|comment| comment.strip_prefix("//"))
        .unwrap_or("");
    let mut words = comment.split_whitespace();
    match (words.next(), words.next()) {
        (Some("indirect"), None) => true,
        (first, Some(_)) => first == Some("indirect;"),
        _ => false,
    }
}

/// The text of the comments on a line, or else of those on its block (`parseDirectiveComment`).
fn join_comments(block: Option<&Block<'_>>, line: &Line<'_>) -> String {
    let before = match block {
        Some(block) if line.before.is_empty() && line.suffix.is_none() => &block.before,
        _ => &line.before,
    };
    let comments = before.iter().copied().chain(line.suffix);
    let lines: Vec<&str> = comments
        .filter_map(|comment| comment.strip_prefix("//"))
        .map(str::trim)
        .collect();
    lines.join("\n")
}

/// What follows `Deprecated:` in the first paragraph that starts with it, to its end (`parseDeprecation`).
fn find_deprecation(comments: &str) -> Option<String> {
    let starts_paragraph = |at: usize| at == 0 || comments[..at].ends_with("\n\n");
    let (at, marker) = comments
        .match_indices("Deprecated:")
        .find(|&(at, _)| starts_paragraph(at))?;
    let message = comments[at + marker.len()..].trim_start_matches(' ');
    let message = message
        .split_once("\n\n")
        .map_or(message, |(paragraph, _)| paragraph);
    (!message.is_empty()).then(|| message.to_owned())
}
