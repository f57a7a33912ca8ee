//! Zips and hashes.

#![expect(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::collections::HashMap;
use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use stoa_module::dirhash::{H1, Hash1, go_mod_h1};
use stoa_module::fold::fold;
use stoa_module::zip::{
    self, CheckedFiles, FileEntry, FileError, FileKind, Level, StreamChecker, StreamVerdict, ZipError,
    ZipLimits, ZipSummary,
};
use stoa_module::{ModulePath, ModuleVersion, PathKind, Version, canonical_version};

use crate::{all, cases};

fn text<'v>(case: &'v Value, key: &str) -> &'v str {
    case[key]
        .as_str()
        .unwrap_or_else(|| panic!("no text {key:?} in {case}"))
}

/// A name, which is an object where it is not text.
fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        _ => STANDARD.decode(text(value, "b64")).unwrap(),
    }
}

fn decode(case: &Value, key: &str) -> Vec<u8> {
    STANDARD.decode(text(case, key)).unwrap()
}

/// The list of files of a case, and the contents by name.
struct Tree {
    files: Vec<FileEntry>,
    contents: HashMap<Vec<u8>, Vec<u8>>,
    go_mod: Option<Vec<u8>>,
}

impl Tree {
    fn of(case: &Value) -> Self {
        let mut tree = Self {
            files: Vec::new(),
            contents: HashMap::new(),
            go_mod: None,
        };
        for file in case["files"].as_array().unwrap_or(&Vec::new()) {
            let (path, content) = (bytes(&file["name"]), decode(file, "data_b64"));
            let kind = match file["kind"].as_str() {
                None | Some("regular") => FileKind::Regular,
                Some("symlink") => FileKind::Symlink,
                Some("dir") => FileKind::Directory,
                Some("irregular") => FileKind::Irregular,
                Some(other) => panic!("unknown kind {other:?}"),
            };
            let size = file["fake_size"].as_u64().unwrap_or(content.len() as u64);
            if path == b"go.mod" && kind == FileKind::Regular {
                tree.go_mod = Some(content.clone());
            }
            tree.contents.insert(path.clone(), content);
            tree.files.push(FileEntry { path, size, kind });
        }
        tree
    }

    fn create(&self, files: &[FileEntry], target: &ModuleVersion) -> Result<(Vec<u8>, ZipSummary), ZipError> {
        let mut out = Vec::new();
        let open = |file: &FileEntry| Ok(Cursor::new(self.contents[&file.path].clone()));
        let summary = zip::create(
            &mut out,
            target,
            files,
            self.go_mod.as_deref(),
            Level::default(),
            open,
        )?;
        Ok((out, summary))
    }
}

/// The module and version of a case, or the error with which Go refuses them before it looks at any file.
fn target(case: &Value) -> Result<ModuleVersion, String> {
    let (path, version) = (bytes(&case["path"]), text(case, "version"));
    let canonical = canonical_version(version).unwrap_or_default();
    if canonical != version {
        assert!(Version::parse(version).is_err(), "{version}");
        return Err(format!(
            "version {version:?} is not canonical (should be {canonical:?})"
        ));
    }
    let path = PathKind::Module.check(&path).map_err(|e| e.to_string())?;
    let path = ModulePath::parse(path).map_err(|e| e.to_string())?;
    ModuleVersion::new(path, Version::parse(version).unwrap()).map_err(|e| e.to_string())
}

fn assert_report(checked: &CheckedFiles, case: &Value, root: &str) {
    let report = &case["report"];
    let errors = |errors: &[FileError]| -> Vec<(Vec<u8>, String)> {
        errors
            .iter()
            .map(|e| ([root.as_bytes(), &e.path].concat(), e.problem.to_string()))
            .collect()
    };
    let expected = |key: &str| -> Vec<(Vec<u8>, String)> {
        let list = report[key].as_array().unwrap();
        list.iter()
            .map(|e| (bytes(&e["path"]), text(e, "err").to_owned()))
            .collect()
    };
    let valid: Vec<_> = checked.valid.iter().map(|path| format!("{root}{path}")).collect();
    let expected_valid: Vec<_> = report["valid"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_str().unwrap())
        .collect();
    assert_eq!(valid, expected_valid, "{case}");
    assert_eq!(errors(&checked.omitted), expected("omitted"), "{case}");
    assert_eq!(errors(&checked.invalid), expected("invalid"), "{case}");
    let size_error = checked.size_error.map(|e| e.to_string()).unwrap_or_default();
    assert_eq!(size_error, text(report, "size_error"), "{case}");
    if let Some(want) = case["want_report_text"].as_str() {
        let mut rooted = checked.clone();
        rooted.valid = valid;
        for error in rooted.omitted.iter_mut().chain(&mut rooted.invalid) {
            error.path.splice(0..0, root.bytes());
        }
        assert_eq!(rooted.to_string(), want);
    }
}

/// Runs both checks, the streaming one in pieces of several lengths, and requires that they agree.
fn check_both(zip: &[u8], target: &ModuleVersion) -> Result<ZipSummary, String> {
    let limits = ZipLimits::default();
    let seekable = zip::check(Cursor::new(zip), target, &limits).map_err(|e| e.to_string());
    for len in [1, 7, 100, usize::MAX] {
        let mut checker = StreamChecker::new(target, limits.clone());
        let streamed = zip
            .chunks(len.min(zip.len()))
            .try_for_each(|chunk| checker.write(chunk))
            .and_then(|()| checker.finish());
        assert_eq!(
            streamed.map_err(|e| e.to_string()),
            seekable.clone().map(StreamVerdict::Checked)
        );
    }
    seekable
}

/// What a zip holds, by Go's rules for finding out.
fn names(zip: &[u8], target: &ModuleVersion) -> Vec<String> {
    zip::report(Cursor::new(zip), target, &ZipLimits::default())
        .unwrap()
        .valid
}

fn assert_created(case: &Value, tree: &Tree, files: &[FileEntry], prefix: &str) {
    let created = target(case).and_then(|target| {
        let (zip, summary) = tree.create(files, &target).map_err(|e| e.to_string())?;
        Ok((target, zip, summary))
    });
    let (target, zip, summary) = match created {
        Ok(created) => created,
        Err(error) => return assert_eq!(format!("{prefix}{error}"), text(case, "create_err"), "{case}"),
    };
    assert_eq!(case["create_err"].as_str().unwrap_or_default(), "", "{case}");
    assert_eq!(summary.h1.to_string(), text(case, "h1"), "{case}");
    assert_eq!(check_both(&zip, &target), Ok(summary));
    let go_mod = tree
        .go_mod
        .as_ref()
        .filter(|_| files.iter().any(|file| file.path == b"go.mod"));
    assert_eq!(summary.go_mod_h1, go_mod.map(|content| go_mod_h1(content)));
    let entries: Vec<_> = case["zip_entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(names(&zip, &target), entries, "{case}");
}

#[test]
fn files_are_sorted_as_by_check_files() {
    for vectors in all("zip") {
        for case in cases(&vectors, "check_files", 4) {
            let tree = Tree::of(case);
            // The go command would read a file that is listed twice once.
            assert_report(&zip::check_files(&tree.files, tree.go_mod.as_deref()), case, "");
        }
    }
}

#[test]
fn trees_are_sorted_as_by_check_dir() {
    for vectors in all("zip") {
        for case in cases(&vectors, "check_dir", 4) {
            let tree = Tree::of(case);
            assert_report(
                &zip::check_tree(&tree.files, tree.go_mod.as_deref()),
                case,
                "$work/",
            );
        }
    }
}

#[test]
fn zips_are_reported_as_by_check_zip() {
    for vectors in all("zip") {
        for case in cases(&vectors, "check_zip", 2) {
            let (target, zip) = (target(case).unwrap(), decode(case, "zip_b64"));
            let report = zip::report(Cursor::new(&zip), &target, &ZipLimits::default()).unwrap();
            assert_report(&report, case, "");
            assert_eq!(check_both(&zip, &target).is_ok(), report.into_result().is_ok());
        }
    }
}

#[test]
fn zips_are_refused_as_by_unzip() {
    for vectors in all("zip") {
        for case in cases(&vectors, "unzip", 15) {
            let checked = target(case).and_then(|target| check_both(&decode(case, "zip_b64"), &target));
            match checked {
                Ok(summary) => {
                    assert_eq!(text(case, "unzip_err"), "", "{case}");
                    assert_eq!(summary.h1.to_string(), text(case, "hash"));
                    assert_eq!(summary.h1.to_string(), text(case, "h1_dir"));
                    assert_eq!(summary.files, case["files"].as_array().unwrap().len() as u64);
                }
                Err(error) => assert_eq!(format!("unzip $zip: {error}"), text(case, "unzip_err")),
            }
        }
    }
}

#[test]
fn zips_are_created_from_files() {
    for vectors in all("zip") {
        for case in cases(&vectors, "create", 16) {
            let tree = Tree::of(case);
            assert_created(case, &tree, &tree.files, "create zip: ");
        }
    }
}

#[test]
fn zips_are_created_from_trees() {
    for vectors in all("zip") {
        for case in cases(&vectors, "create_from_dir", 13) {
            let tree = Tree::of(case);
            let listing = zip::list_tree(&tree.files, tree.go_mod.as_deref());
            assert_created(case, &tree, &listing.files, "create zip $work: ");
        }
    }
}

#[test]
fn further_files_are_sorted_and_created() {
    for vectors in all("zip") {
        let mut created = 0;
        for case in cases(&vectors, "extra_check_and_create", 36) {
            let tree = Tree::of(case);
            assert_report(&zip::check_files(&tree.files, tree.go_mod.as_deref()), case, "");
            // Sizes that are not those of the contents were only checked.
            if case.get("create_err").is_some() {
                assert_created(case, &tree, &tree.files, "create zip: ");
                created += 1;
            }
        }
        assert!(created >= 32, "{created}");
    }
}

#[test]
fn vendored_packages_are_told_by_go_version() {
    for vectors in all("zip") {
        for case in cases(&vectors, "is_vendored_package", 192) {
            let vendored = zip::is_vendored_package(text(case, "path"), text(case, "go"));
            assert_eq!(Some(vendored), case["vendored"].as_bool(), "{case}");
        }
    }
}

#[test]
fn names_fold_as_in_go() {
    for vectors in all("zip") {
        // Go folds to the smallest of each orbit, and so do we.
        for case in cases(&vectors, "str_to_fold", 19) {
            assert_eq!(fold(text(case, "in")), text(case, "fold"), "{case}");
        }
    }
}

#[test]
fn hashes_are_those_of_hash1() {
    for vectors in all("dirhash") {
        for case in cases(&vectors, "cases", 8) {
            let mut hash = Hash1::new();
            let files = case["files"].as_array().unwrap();
            let added = files.iter().try_for_each(|file| {
                hash.add_reader(text(file, "name").as_bytes(), text(file, "data").as_bytes())
            });
            match added {
                Ok(()) => {
                    let h1: H1 = text(case, "h1").parse().unwrap();
                    assert_eq!(hash.finish(), h1, "{case}");
                    assert_eq!(h1.to_string(), text(case, "h1"));
                }
                Err(error) => assert_eq!(error.to_string(), text(case, "err")),
            }
        }
    }
}
