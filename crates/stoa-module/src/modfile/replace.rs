//! Replace directives.

use super::arguments::{parse_path, parse_version, usage};
use super::error::{Directive, LineError, ModFileReason};
use super::file::Replace;
use crate::PathMajor;

/// Reads `path [version] => path version` or `path [version] => directory`.
pub(super) fn parse_replace(args: &[&str]) -> Result<Replace, LineError> {
    let (old, new) = match args {
        [path, "=>", new @ ..] => ((path, None), new),
        [path, version, "=>", new @ ..] => ((path, Some(version)), new),
        _ => return Err((None, usage("replace"))),
    };
    if !(1..=2).contains(&new.len()) {
        return Err((None, usage("replace")));
    }
    let path = parse_path(old.0)?;
    let at_path = || {
        Some(Directive {
            verb: "replace",
            path: path.clone(),
        })
    };
    let Some((_, major)) = PathMajor::split(&path) else {
        return Err((at_path(), ModFileReason::ModulePath));
    };
    let version = match old.1 {
        None => None,
        Some(version) => {
            let version = parse_version("replace", &path, version)?;
            major
                .check(version.as_str())
                .map_err(|error| (at_path(), error.into()))?;
            Some(version)
        }
    };
    let new_path = parse_path(new[0])?;
    let new_version = match new.get(1) {
        None => {
            check_directory(&new_path).map_err(|reason| (None, reason))?;
            None
        }
        Some(version) => {
            let version = parse_version("replace", &new_path, version)?;
            if is_directory_path(&new_path) {
                return Err((None, ModFileReason::ReplacementDirectoryVersion(new_path)));
            }
            Some(version)
        }
    };
    Ok(Replace {
        path,
        version,
        new_path,
        new_version,
    })
}

/// What has no version must be a directory, and one of this system.
fn check_directory(path: &str) -> Result<(), ModFileReason> {
    if is_directory_path(path) {
        return if path.contains('\\') {
            Err(ModFileReason::ReplacementOnWindows)
        } else {
            Ok(())
        };
    }
    Err(if path.contains('@') {
        ModFileReason::ReplacementAtVersion
    } else {
        ModFileReason::ReplacementWithoutVersion
    })
}

/// Whether `path` is that of a directory, of Unix or of Windows, and not of a module (`modfile.IsDirectoryPath`).
fn is_directory_path(path: &str) -> bool {
    let relative = |dots: &str| {
        path.strip_prefix(dots)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '\\']))
    };
    let has_drive = || matches!(path.as_bytes(), [drive, b':', ..] if drive.is_ascii_alphabetic());
    path.starts_with(['/', '\\']) || relative(".") || relative("..") || has_drive()
}
