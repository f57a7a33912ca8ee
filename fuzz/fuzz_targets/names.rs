//! Module paths and queries, plain and escaped: there is one form of each, and both lead back to the other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stoa_module::{ModulePath, PathMajor, PatternList, Query, check_file_path, check_import_path};

fuzz_target!(|text: &str| {
    let path = ModulePath::parse("example.com/m").unwrap();
    if let Ok(path) = ModulePath::parse(text) {
        let escaped = path.escaped();
        assert!(escaped.is_ascii() && !escaped.contains(|c: char| c.is_ascii_uppercase()));
        assert!(!escaped.split('/').any(|element| matches!(element, "" | "." | "..")));
        assert_eq!(ModulePath::unescape(&escaped).as_ref(), Ok(&path));
        let (prefix, major) = path.split();
        assert_eq!(format!("{prefix}{}", major.as_str()), text);
        assert!(check_import_path(text).is_ok(), "a module path is an import path");
    }
    if let Ok(path) = ModulePath::unescape(text) {
        assert_eq!(path.escaped(), text);
        assert_eq!(ModulePath::unescape_bytes(text.as_bytes()).as_ref(), Ok(&path));
        assert!(ModulePath::parse(path.as_str()).is_ok());
    }
    if let Ok(query) = Query::parse(&path, text) {
        assert_eq!(query.as_str(), text);
        let escaped = query.escaped();
        assert!(!escaped.contains(['/', '\\']) && !escaped.contains(|c: char| c.is_ascii_uppercase()));
        assert_eq!(Query::unescape(&path, &escaped), Ok(query));
    }
    if let Ok(query) = Query::unescape(&path, text) {
        assert_eq!(query.escaped(), text);
    }
    if check_file_path(text).is_ok() {
        assert!(!text.starts_with('/') && !text.split('/').any(|element| matches!(element, "" | "." | "..")));
        assert!(!text.contains(['\\', ':', '\0', '\n']));
    }
    if let Some((prefix, major)) = PathMajor::split(text) {
        assert_eq!(format!("{prefix}{}", major.as_str()), text);
    }
    // The pattern list is the first line, the path the second.
    let (patterns, path) = text.split_once('\n').unwrap_or((text, "example.com/m"));
    let list = PatternList::parse(patterns);
    let again = PatternList::parse(&list.to_string());
    assert_eq!(list.matches(path), again.matches(path));
});
