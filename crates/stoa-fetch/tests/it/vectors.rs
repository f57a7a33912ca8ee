//! Discovery held to vectors printed by Go's own code.

use serde_json::Value;
use stoa_fetch::discovery::{
    Govcs, ModTags, StaticRoot, StaticRootError, check_repo_root, check_subdir, parse_go_imports,
    static_root, suffix_root,
};
use stoa_testing::vectors::{self, assert_fields, cases, text};

/// The vectors of each witness.
fn all() -> impl Iterator<Item = Value> {
    let families = [
        "generic_vcs_suffix",
        "govcs",
        "govcs_errors",
        "parse_meta",
        "static_repo_root",
        "validate_repo_root",
        "validate_subdir",
    ];
    vectors::all("vcs_discovery").inspect(move |vectors| assert_fields(vectors, &families))
}

/// Runs `check` on each case under `key`, of which there must be at least `min`, with no field but the known ones.
fn each(key: &str, min: usize, fields: &[&str], check: impl Fn(&Value)) {
    for vectors in all() {
        for case in cases(&vectors, key, min) {
            assert_fields(case, fields);
            check(case);
        }
    }
}

fn flag(case: &Value, field: &str) -> bool {
    case[field]
        .as_bool()
        .unwrap_or_else(|| panic!("no flag {field:?} in {case}"))
}

/// The error that a case asks for, empty if none.
fn wanted_error(case: &Value) -> &str {
    case.get("err").map_or("", |error| error.as_str().unwrap())
}

fn assert_root(found: &StaticRoot, case: &Value, schemeless: bool) {
    assert_eq!(found.root, text(case, "root"), "{case}");
    assert_eq!(found.repo, text(case, "repo"), "{case}");
    assert_eq!(found.vcs.as_str(), text(case, "vcs"), "{case}");
    assert_eq!(found.schemeless, schemeless, "{case}");
}

#[test]
fn pages_are_read_as_the_go_command_reads_them() {
    each(
        "parse_meta",
        66,
        &["html", "prefer_mod", "imports", "err"],
        |case| {
            let mods = if flag(case, "prefer_mod") {
                ModTags::Prefer
            } else {
                ModTags::Ignore
            };
            // The file is UTF-8: a byte that is not was printed as a replacement character.
            let mut page = Vec::new();
            for (i, text) in text(case, "html").split('\u{fffd}').enumerate() {
                page.extend_from_slice(if i > 0 { b"\xe9" } else { b"" });
                page.extend_from_slice(text.as_bytes());
            }
            let found = parse_go_imports(&page, mods);
            let error = found.as_ref().err().map(ToString::to_string).unwrap_or_default();
            assert_eq!(error, wanted_error(case), "{case}");
            let wanted = case["imports"].as_array().unwrap();
            let found = found.unwrap_or_default();
            assert_eq!(found.len(), wanted.len(), "{case}");
            for (found, wanted) in found.iter().zip(wanted) {
                assert_fields(wanted, &["prefix", "vcs", "repo", "subdir"]);
                assert_eq!(found.prefix, text(wanted, "prefix"), "{case}");
                assert_eq!(found.vcs, text(wanted, "vcs"), "{case}");
                assert_eq!(found.repo, text(wanted, "repo"), "{case}");
                assert_eq!(found.subdir, text(wanted, "subdir"), "{case}");
            }
        },
    );
}

#[test]
fn fixed_roots_are_found_as_the_go_command_finds_them() {
    let fields = ["path", "root", "vcs", "repo", "err", "needs_dynamic"];
    each("static_repo_root", 51, &fields, |case| {
        match static_root(text(case, "path")) {
            Ok(found) => {
                assert_eq!(wanted_error(case), "", "{case}");
                assert!(case.get("needs_dynamic").is_none(), "{case}");
                assert_root(&found, case, false);
            }
            Err(error) => {
                assert_eq!(error.to_string(), wanted_error(case));
                assert_eq!(
                    error == StaticRootError::Unknown,
                    flag(case, "needs_dynamic"),
                    "{case}"
                );
                assert!(case.get("root").is_none(), "{case}");
            }
        }
    });
}

#[test]
fn suffixes_are_found_as_the_go_command_finds_them() {
    let fields = ["path", "match", "root", "vcs", "repo"];
    each("generic_vcs_suffix", 14, &fields, |case| {
        let found = suffix_root(text(case, "path"));
        assert_eq!(found.is_some(), flag(case, "match"), "{case}");
        if let Some(found) = found {
            assert_root(&found, case, true);
        } else {
            assert!(case.get("root").is_none(), "{case}");
        }
    });
}

#[test]
fn govcs_decides_as_the_go_command_does() {
    each("govcs", 41, &["govcs", "path", "private", "vcs", "ok"], |case| {
        let govcs: Govcs = text(case, "govcs").parse().unwrap();
        let found = govcs.check(text(case, "path"), flag(case, "private"), text(case, "vcs"));
        assert_eq!(found.is_ok(), flag(case, "ok"), "{case}");
    });
    each("govcs_errors", 15, &["govcs", "err"], |case| {
        let error = text(case, "govcs").parse::<Govcs>().unwrap_err();
        assert_eq!(error.to_string(), text(case, "err"));
    });
}

#[test]
fn repositories_and_folders_are_refused_as_the_go_command_refuses_them() {
    each("validate_repo_root", 11, &["root", "ok"], |case| {
        let found = check_repo_root(text(case, "root"));
        assert_eq!(found.is_ok(), flag(case, "ok"), "{case}");
    });
    each("validate_subdir", 8, &["subdir", "ok"], |case| {
        let found = check_subdir(text(case, "subdir"));
        assert_eq!(found.is_ok(), flag(case, "ok"), "{case}");
    });
}
