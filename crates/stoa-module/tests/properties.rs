//! What holds for any path, version and file, beyond the cases Go's tests know.

use std::cmp::Ordering;

use proptest::prelude::*;
use stoa_module::modfile::{ModFile, auto_quote, module_path};
use stoa_module::{
    Info, ModulePath, ModuleVersion, PatternList, PseudoVersion, Query, Revision, Timestamp, Version,
    canonical_version, pseudo_version, semver,
};

/// Text that is often nearly a module path.
fn pathlike() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,3}\\.[a-z]{2}(/[A-Za-z0-9._~!-]{1,5}){0,3}(/v[0-9]{1,2})?",
        "\\PC{0,12}"
    ]
}

/// Text that is often nearly a version.
fn versionlike() -> impl Strategy<Value = String> {
    prop_oneof![
        "v[0-9]{1,2}(\\.[0-9]{1,2}){0,2}(-[0-9A-Za-z.-]{1,6})?(\\+[a-z]{1,4}|\\+incompatible)?",
        "v[0-2]\\.[0-2]\\.[0-2](-(0|1|10|a|B|rc)(\\.(0|1|10|a|B|rc)){0,2})?(\\+incompatible)?",
        "[!-~]{0,8}",
        "\\PC{0,8}",
    ]
}

fn version() -> impl Strategy<Value = Version> {
    versionlike().prop_filter_map("not a version", |v| Version::canonicalize(&v))
}

proptest! {
    #[test]
    fn escaped_paths_come_back(path in pathlike()) {
        if let Ok(path) = ModulePath::parse(&path) {
            let escaped = path.escaped();
            prop_assert!(!escaped.contains(|c: char| c.is_ascii_uppercase()));
            prop_assert_eq!(ModulePath::unescape(&escaped), Ok(path.clone()));
            let (prefix, major) = path.split();
            prop_assert_eq!([prefix, major.as_str()].concat(), path.as_str());
        }
    }

    #[test]
    fn paths_have_one_escaped_form(escaped in pathlike()) {
        if let Ok(path) = ModulePath::unescape(&escaped) {
            prop_assert_eq!(path.escaped(), escaped);
        }
    }

    #[test]
    fn escaped_queries_come_back(query in versionlike()) {
        let path = ModulePath::parse("example.com/m").expect("a module path");
        if let Ok(query) = Query::parse(&path, &query) {
            prop_assert_eq!(Query::unescape(&path, &query.escaped()), Ok(query));
        }
    }

    #[test]
    fn queries_have_one_escaped_form(escaped in versionlike()) {
        let path = ModulePath::parse("example.com/m/v2").expect("a module path");
        if let Ok(query) = Query::unescape(&path, &escaped) {
            prop_assert_eq!(query.escaped(), escaped);
        }
    }

    #[test]
    fn whatever_is_a_version_can_be_asked_for(version in version()) {
        prop_assert_eq!(Version::unescape(&version.escaped()), Ok(version.clone()));
        prop_assert!(Revision::parse(version.as_str()).is_ok());
        let canonical = canonical_version(version.as_str());
        prop_assert_eq!(canonical.as_deref(), Some(version.as_str()));
        prop_assert_eq!(version.is_prerelease(), !semver::prerelease(version.as_str()).is_empty());
        prop_assert_eq!(Some(version.major()), semver::major(version.as_str()));
    }

    #[test]
    fn queries_are_versions_only_of_their_path(version in version(), path in pathlike()) {
        if let Ok(path) = ModulePath::parse(&path) {
            let query = Query::parse(&path, version.as_str()).expect("every version is a query");
            let made = ModuleVersion::new(path, version);
            prop_assert_eq!(matches!(query, Query::Version(_)), made.is_ok());
        }
    }

    #[test]
    fn pseudo_versions_come_apart_as_made(
        older in version(), secs in -62_167_219_200i64..253_402_300_800, rev in "[0-9a-f]{12}",
    ) {
        let time = Timestamp::from_unix(secs).expect("within range");
        for older in ["", older.as_str()] {
            let made = pseudo_version("v3", older, time, &rev);
            let parts = PseudoVersion::parse(&made).expect("a pseudo-version");
            prop_assert_eq!(parts.time(), Ok(time));
            prop_assert_eq!(parts.rev(), rev.as_str());
            prop_assert_eq!(parts.base().expect("a base or none").unwrap_or_default(), older);
            let made = Version::parse(&made).expect("a version");
            prop_assert!(made.is_pseudo());
            prop_assert_eq!(semver::compare(older, made.as_str()), Ordering::Less);
        }
    }

    #[test]
    fn semver_order_is_total(u in versionlike(), v in versionlike(), w in versionlike()) {
        prop_assert_eq!(semver::compare(&u, &v), semver::compare(&v, &u).reverse());
        prop_assert_eq!(semver::compare_total(&u, &v).is_eq(), u == v);
        let mut sorted = vec![u, v, w];
        semver::sort(&mut sorted);
        for (i, j) in [(0, 1), (1, 2), (0, 2)] {
            prop_assert!(semver::compare_total(&sorted[i], &sorted[j]).is_le());
        }
    }

    #[test]
    fn canonical_forms_compare_equal(v in versionlike()) {
        if let Some(canonical) = semver::canonical(&v) {
            prop_assert_eq!(semver::compare(&v, &canonical), Ordering::Equal);
            prop_assert_eq!(semver::canonical(&canonical), Some(canonical.clone()));
        }
    }

    #[test]
    fn patterns_survive_printing(list in "[a-c*?,/\\[\\]\\\\^-]{0,12}", path in "[a-c/]{0,6}") {
        let patterns = PatternList::parse(&list);
        let again = PatternList::parse(&patterns.to_string());
        prop_assert_eq!(patterns.matches(&path), again.matches(&path));
        prop_assert_eq!(patterns, again);
    }

    #[test]
    fn go_mod_files_are_read_or_refused(data in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = module_path(&data);
        let strict = ModFile::parse("go.mod", &data);
        let lax = ModFile::parse_lax("go.mod", &data);
        prop_assert!(strict.is_err() || lax.is_ok());
    }

    #[test]
    fn infos_are_read_or_refused(
        text in prop_oneof![
            "[{}\\[\\],:\"\\\\ tfnu0-9eE.+-]{0,24}",
            "\\{\"(V|v)er(s|ſ)ion\" ?: ?\"v[01]\\.0\\.0\"(,\"(Time|Origin)\":(null|\\{\\}|\"\"|[0-9]))?\\}",
        ],
        noise in prop::collection::vec(any::<u8>(), 0..3),
        at in any::<prop::sample::Index>(),
    ) {
        let mut json = text.into_bytes();
        let at = at.index(json.len() + 1);
        json.splice(at..at, noise);
        let path = ModulePath::parse("example.com/m").unwrap();
        // Another reader refuses no more than what is not Unicode.
        let is_json = serde_json::from_slice::<serde_json::Value>(&json).is_ok();
        if let Ok(info) = Info::parse(&path, &json) {
            prop_assert!(is_json || std::str::from_utf8(&json).is_err() || json.contains(&b'\\'));
            prop_assert_eq!(Info::parse(&path, info.to_json().as_bytes()), Ok(info));
        }
    }

    #[test]
    fn quoted_strings_come_back(path in prop_oneof![any::<String>(), "[ \"'`\\\\,/*()a-b]{1,6}"]) {
        // Alone behind a directive, a parenthesis opens a block.
        prop_assume!(path != "(");
        let file = format!("module {}\n", auto_quote(&path));
        let read = ModFile::parse("go.mod", file.as_bytes()).map(|file| file.module.map(|module| module.path));
        prop_assert_eq!(read, Ok(Some(path)));
    }
}
