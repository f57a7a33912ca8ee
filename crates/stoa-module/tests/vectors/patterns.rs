//! GOPRIVATE patterns.

use stoa_module::PatternList;

use crate::{all, assert_fields, cases, flag, text};

#[test]
fn patterns_match_leading_elements() {
    for vectors in all("match_prefix_patterns") {
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
}
