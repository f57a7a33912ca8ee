//! go.mod files.

use stoa_module::modfile::{auto_quote, module_path, must_quote};

use crate::{assert_fields, cases, flag, load, text};

#[test]
fn module_paths_are_found_by_scanning() {
    let Some(vectors) = load("modfile") else { return };
    for case in cases(&vectors, "module_path", 43) {
        assert_fields(case, &["gomod", "module_path"]);
        let found = module_path(text(case, "gomod").as_bytes());
        assert_eq!(found.unwrap_or_default(), text(case, "module_path"), "{case}");
    }
}

#[test]
fn strings_are_quoted_when_they_must() {
    let Some(vectors) = load("modfile") else { return };
    for case in cases(&vectors, "auto_quote", 17) {
        assert_fields(case, &["in", "auto_quote", "must_quote"]);
        let raw = text(case, "in");
        assert_eq!(auto_quote(raw), text(case, "auto_quote"));
        assert_eq!(must_quote(raw), flag(case, "must_quote"), "{raw}");
    }
}
