//! go.mod files.

use serde_json::{Value, json};
use stoa_module::modfile::{ModFile, Require, Retract, auto_quote, module_path, must_quote};

use crate::{all, assert_fields, cases, error_text, flag, text};

#[test]
fn module_paths_are_found_by_scanning() {
    for vectors in all("modfile") {
        for case in cases(&vectors, "module_path", 43) {
            assert_fields(case, &["gomod", "module_path"]);
            let found = module_path(text(case, "gomod").as_bytes());
            assert_eq!(found.unwrap_or_default(), text(case, "module_path"), "{case}");
        }
    }
}

#[test]
fn strings_are_quoted_when_they_must() {
    for vectors in all("modfile") {
        for case in cases(&vectors, "auto_quote", 17) {
            assert_fields(case, &["in", "auto_quote", "must_quote"]);
            let raw = text(case, "in");
            assert_eq!(auto_quote(raw), text(case, "auto_quote"));
            assert_eq!(must_quote(raw), flag(case, "must_quote"), "{raw}");
        }
    }
}

#[test]
fn files_are_read_like_parse_lax() {
    for vectors in all("modfile") {
        assert_fields(
            &vectors,
            &["module_path", "auto_quote", "parse_lax", "deprecated"],
        );
        for case in cases(&vectors, "parse_lax", 24)
            .iter()
            .chain(cases(&vectors, "deprecated", 16))
        {
            let known = [
                "desc",
                "gomod",
                "lax_err",
                "module",
                "deprecated",
                "go",
                "require",
                "retract",
                "upstream_want_deprecated",
            ];
            assert_fields(case, &known);
            let read = ModFile::parse_lax("go.mod", text(case, "gomod").as_bytes());
            assert_eq!(error_text(&read), text(case, "lax_err"));
            match read {
                Ok(file) => check_file(&file, case),
                Err(_) => assert!(case.get("module").is_none() && case.get("require").is_none()),
            }
        }
    }
}

fn check_file(file: &ModFile, case: &Value) {
    let module = file.module.as_ref();
    assert_eq!(
        module.map(|module| module.path.as_str()),
        case["module"].as_str(),
        "{case}"
    );
    let deprecated = module.map(|module| module.deprecated.as_deref().unwrap_or_default());
    assert_eq!(deprecated, case["deprecated"].as_str(), "{case}");
    if let Some(upstream) = case.get("upstream_want_deprecated") {
        assert_eq!(deprecated, upstream.as_str());
    }
    assert_eq!(file.go.as_deref(), case["go"].as_str());
    let require = |require: &Require| {
        json!({
            "path": require.path, "version": require.version.as_str(), "indirect": require.indirect,
        })
    };
    assert_eq!(
        file.require.iter().map(require).collect::<Value>(),
        case["require"]
    );
    let retract =
        |retract: &Retract| json!({"low": retract.low, "high": retract.high, "rationale": retract.rationale});
    assert_eq!(
        file.retract.iter().map(retract).collect::<Value>(),
        case["retract"],
        "{case}"
    );
}
