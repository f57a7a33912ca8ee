//! Paths, paths with versions, and their order.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use stoa_module::{
    ModulePath, ModuleVersion, PathKind, PathMajor, Version, check, check_file_path, check_import_path,
    compare_sum_lines,
};

use crate::{all, assert_fields, assert_outcome, cases, error_text, flag, text};

#[test]
fn paths_are_checked_split_and_escaped() {
    for vectors in all("module_paths") {
        for case in cases(&vectors, "cases", 169) {
            let known = [
                "path",
                "path_b64",
                "check_path_err",
                "check_import_path_err",
                "check_file_path_err",
                "escape_path",
                "unescape_path",
                "split_path_version",
                "path_major_prefix",
            ];
            assert_fields(case, &known);
            let bytes = match case["path_b64"].as_str() {
                Some(encoded) => BASE64_STANDARD.decode(encoded).unwrap(),
                None => text(case, "path").as_bytes().to_vec(),
            };
            assert_eq!(
                error_text(&PathKind::Module.check(&bytes)),
                text(case, "check_path_err")
            );
            assert_eq!(
                error_text(&PathKind::Import.check(&bytes)),
                text(case, "check_import_path_err")
            );
            assert_eq!(
                error_text(&PathKind::File.check(&bytes)),
                text(case, "check_file_path_err")
            );
            assert_outcome(&ModulePath::unescape_bytes(&bytes), &case["unescape_path"]);
            match std::str::from_utf8(&bytes) {
                Ok(path) => check_text(path, case),
                Err(_) => assert_eq!(text(&case["escape_path"], "err"), text(case, "check_path_err")),
            }
            check_split(&String::from_utf8_lossy(&bytes), case);
        }
    }
}

fn check_text(path: &str, case: &Value) {
    assert_outcome(
        &ModulePath::parse(path).map(|path| path.escaped()),
        &case["escape_path"],
    );
    assert_outcome(&ModulePath::unescape(path), &case["unescape_path"]);
    assert_eq!(
        error_text(&path.parse::<ModulePath>()),
        text(case, "check_path_err")
    );
    assert_eq!(
        error_text(&check_import_path(path)),
        text(case, "check_import_path_err")
    );
    assert_eq!(
        error_text(&check_file_path(path)),
        text(case, "check_file_path_err")
    );
    if let Ok(parsed) = ModulePath::parse(path) {
        assert_eq!((parsed.as_str(), parsed.to_string().as_str()), (path, path));
        let (prefix, major) = parsed.split();
        assert_eq!(PathMajor::split(path), Some((prefix, major)));
    }
}

fn check_split(path: &str, case: &Value) {
    let want = &case["split_path_version"];
    assert_fields(want, &["ok", "prefix", "path_major"]);
    let split = PathMajor::split(path);
    assert_eq!(split.is_some(), flag(want, "ok"), "{path}");
    if want.get("prefix").is_none() {
        return;
    }
    // Go gives the whole path back when it cannot split it.
    let (prefix, major) = split.unwrap_or((path, PathMajor::default()));
    assert_eq!(
        (prefix, major.as_str()),
        (text(want, "prefix"), text(want, "path_major"))
    );
    assert_eq!(PathMajor::parse(major.as_str()), Some(major));
    assert_eq!(
        major.prefix(),
        case["path_major_prefix"].as_str().unwrap_or(""),
        "{path}"
    );
}

#[test]
fn versions_are_checked_against_paths() {
    for vectors in all("module_check") {
        for case in cases(&vectors, "check", 106) {
            assert_fields(case, &["path", "version", "err", "upstream_ok"]);
            let (path, version, err) = (text(case, "path"), text(case, "version"), text(case, "err"));
            assert_eq!(error_text(&check(path, version)), err);
            if let Some(ok) = case.get("upstream_ok") {
                assert_eq!(ok.as_bool(), Some(err.is_empty()));
            }
            if let (Ok(path), Ok(version)) = (ModulePath::parse(path), Version::parse(version)) {
                let shown = format!("{path}@{version}");
                let made = ModuleVersion::new(path, version);
                assert_eq!(error_text(&made), err);
                assert!(made.is_err() || made.unwrap().to_string() == shown);
            }
        }
    }
}

#[test]
fn path_majors_match_versions() {
    for vectors in all("module_check") {
        for case in cases(&vectors, "path_major", 14) {
            assert_fields(case, &["path_major", "version", "match", "err"]);
            let major = PathMajor::parse(text(case, "path_major")).unwrap();
            let version = text(case, "version");
            assert_eq!(error_text(&major.check(version)), text(case, "err"));
            assert_eq!(major.check(version).is_ok(), flag(case, "match"));
            if let Ok(version) = Version::parse(version) {
                assert_eq!(major.match_version(&version), flag(case, "match"));
            }
        }
    }
}

#[test]
fn module_versions_sort_like_go_sum() {
    for vectors in all("module_sort") {
        let line = |case| {
            assert_fields(case, &["Path", "Version"]);
            (text(case, "Path"), text(case, "Version"))
        };
        let mut lines: Vec<_> = cases(&vectors, "in", 7).iter().map(line).collect();
        let sorted: Vec<_> = cases(&vectors, "out", 7).iter().map(line).collect();
        lines.sort_by(|a, b| compare_sum_lines(*a, *b));
        assert_eq!(lines, sorted);

        let typed = |lines: &[(&str, &str)]| -> Vec<ModuleVersion> {
            let make = |&(path, version): &(&str, &str)| {
                ModuleVersion::new(path.parse().ok()?, version.parse().ok()?).ok()
            };
            lines.iter().filter_map(make).collect()
        };
        let mut versions = typed(&lines);
        versions.reverse();
        versions.sort();
        assert!(versions.len() >= 4);
        assert_eq!(versions, typed(&sorted));
    }
}
