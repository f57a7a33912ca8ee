//! The arguments that directives take.

use super::error::{Directive, LineError, ModFileReason};
use super::unquote::parse_string;
use crate::path_major::PathMajor;
use crate::version::Version;
use crate::version_error::{VersionError, VersionReason};

/// What a directive takes, for errors.
pub(super) fn usage(verb: &'static str) -> ModFileReason {
    ModFileReason::Usage(match verb {
        "module" => "module module/path",
        "godebug" => "godebug key=value",
        "require" => "require module/path v1.2.3",
        "exclude" => "exclude module/path v1.2.3",
        _ => {
            "replace module/path [v1.2.3] => other/module v1.4\n\t or replace module/path [v1.2.3] => ../local/directory"
        }
    })
}

/// Reads a path, which need not be a valid one.
pub(super) fn parse_path(token: &str) -> Result<String, LineError> {
    match parse_string(token) {
        Ok(path) => Ok(path.into_owned()),
        Err(error) => Err((None, ModFileReason::String(error))),
    }
}

/// Reads a version and makes it canonical.
pub(super) fn parse_version(verb: &'static str, path: &str, token: &str) -> Result<Version, LineError> {
    let version = match parse_string(token) {
        Ok(text) => {
            Version::canonicalize(&text).ok_or_else(|| VersionError::new(&text, VersionReason::NotOfForm))
        }
        Err(error) => Err(VersionError::new(token, VersionReason::Quoting(error))),
    };
    version.map_err(|error| {
        (
            Some(Directive {
                verb,
                path: path.to_owned(),
            }),
            error.into(),
        )
    })
}

pub(super) fn parse_only(verb: &'static str, args: &[&str]) -> Result<String, LineError> {
    match args {
        [path] => parse_path(path),
        _ => Err((None, ModFileReason::NotOneArgument(verb))),
    }
}

pub(super) fn parse_requirement(verb: &'static str, args: &[&str]) -> Result<(String, Version), LineError> {
    let [path, version] = args else {
        return Err((None, usage(verb)));
    };
    let path = parse_path(path)?;
    let version = parse_version(verb, &path, version)?;
    let Some((_, major)) = PathMajor::split(&path) else {
        return Err((None, ModFileReason::ModulePath));
    };
    match major.check(version.as_str()) {
        Ok(()) => Ok((path, version)),
        Err(error) => Err((Some(Directive { verb, path }), error.into())),
    }
}
