//! Versions: canonical forms, escapes, and pseudo-versions taken apart.

use serde_json::Value;
use stoa_module::{
    PseudoVersion, Version, VersionError, canonical_version, escape_version, is_pseudo_version,
    is_zero_pseudo_version, semver, unescape_version,
};

use crate::{all, assert_fields, assert_outcome, cases, error_text, flag, text};

#[test]
fn versions_are_read_like_go() {
    for vectors in all("module_versions") {
        for case in cases(&vectors, "cases", 96) {
            let known = [
                "version",
                "build",
                "escape_version",
                "unescape_version",
                "is_pseudo",
                "is_zero_pseudo",
                "major",
                "major_minor",
                "module_canonical",
                "prerelease",
                "semver_canonical",
                "semver_is_valid",
                "pseudo_base",
                "pseudo_base_err",
                "pseudo_rev",
                "pseudo_rev_err",
                "pseudo_time",
                "pseudo_time_err",
            ];
            assert_fields(case, &known);
            let v = text(case, "version");
            assert_eq!(semver::is_valid(v), flag(case, "semver_is_valid"));
            assert_eq!(
                semver::canonical(v).unwrap_or_default(),
                text(case, "semver_canonical")
            );
            assert_eq!(semver::major(v).unwrap_or_default(), text(case, "major"));
            assert_eq!(
                semver::major_minor(v).unwrap_or_default(),
                text(case, "major_minor")
            );
            assert_eq!(semver::prerelease(v), text(case, "prerelease"));
            assert_eq!(semver::build(v), text(case, "build"));
            assert_eq!(
                canonical_version(v).unwrap_or_default(),
                text(case, "module_canonical")
            );
            assert_eq!(is_pseudo_version(v), flag(case, "is_pseudo"));
            assert_eq!(is_zero_pseudo_version(v), flag(case, "is_zero_pseudo"));
            assert_outcome(&escape_version(v), &case["escape_version"]);
            assert_outcome(&unescape_version(v), &case["unescape_version"]);
            check_pseudo(v, case);
            check_typed(v, case);
        }
    }
}

fn check_pseudo(v: &str, case: &Value) {
    let parts = PseudoVersion::parse(v);
    let time = parts
        .clone()
        .and_then(|parts| parts.time())
        .map(|time| time.to_string());
    assert_field(case, "pseudo_time", &time);
    assert_field(
        case,
        "pseudo_rev",
        &parts.clone().map(|parts| parts.rev().to_owned()),
    );
    assert_field(
        case,
        "pseudo_base",
        &parts
            .and_then(|parts| parts.base())
            .map(Option::unwrap_or_default),
    );
}

/// Of `field` and `field_err` the vectors have one.
fn assert_field(case: &Value, field: &str, got: &Result<String, VersionError>) {
    assert_eq!(
        got.as_ref().ok().map(String::as_str),
        case[field].as_str(),
        "{field} of {case}"
    );
    assert_eq!(
        error_text(got),
        case[format!("{field}_err")].as_str().unwrap_or("")
    );
}

fn check_typed(v: &str, case: &Value) {
    let parsed = Version::parse(v);
    assert_eq!(
        parsed.is_ok(),
        !v.is_empty() && text(case, "module_canonical") == v,
        "{v}"
    );
    let Ok(version) = parsed else { return };
    assert_eq!((version.as_str(), version.to_string().as_str()), (v, v));
    assert_eq!(version.major(), text(case, "major"));
    assert_eq!(version.is_pseudo(), flag(case, "is_pseudo"));
    assert_eq!(version.is_prerelease(), !text(case, "prerelease").is_empty());
    assert_eq!(version.is_incompatible(), text(case, "build") == "+incompatible");
    assert_eq!(version.escaped(), text(&case["escape_version"], "value"));
    assert_eq!(Version::unescape(&version.escaped()), Ok(version));
}
