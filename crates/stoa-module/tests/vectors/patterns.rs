//! GOPRIVATE patterns.

use stoa_module::PatternList;

use crate::{assert_fields, cases, flag, load, text};

#[test]
fn patterns_match_leading_elements() {
    let Some(vectors) = load("match_prefix_patterns") else {
        return;
    };
    for case in cases(&vectors, "cases", 33) {
        assert_fields(case, &["globs", "target", "match"]);
        let patterns = PatternList::parse(text(case, "globs"));
        assert_eq!(
            patterns.matches(text(case, "target")),
            flag(case, "match"),
            "{case}"
        );
        assert_eq!(PatternList::parse(&patterns.to_string()), patterns);
    }
}
