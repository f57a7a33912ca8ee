//! Semantic versions and their order.

use std::cmp::Ordering;

use stoa_module::semver;

use crate::{all, assert_fields, cases, flag, text};

#[test]
fn semver_fields_are_those_of_go() {
    for vectors in all("semver") {
        assert_fields(
            &vectors,
            &["compare_matrix", "info", "list", "sorted", "upstream_table_len"],
        );
        for case in cases(&vectors, "info", 67) {
            let known = [
                "in",
                "valid",
                "canonical",
                "major",
                "major_minor",
                "prerelease",
                "build",
            ];
            assert_fields(case, &known);
            let v = text(case, "in");
            assert_eq!(semver::is_valid(v), flag(case, "valid"), "{v}");
            assert_eq!(semver::canonical(v).is_some(), flag(case, "valid"), "{v}");
            assert_eq!(semver::canonical(v).unwrap_or_default(), text(case, "canonical"));
            assert_eq!(semver::major(v).unwrap_or_default(), text(case, "major"));
            assert_eq!(
                semver::major_minor(v).unwrap_or_default(),
                text(case, "major_minor")
            );
            assert_eq!(semver::prerelease(v), text(case, "prerelease"));
            assert_eq!(semver::build(v), text(case, "build"));
        }
    }
}

#[test]
fn semver_order_is_that_of_go() {
    for vectors in all("semver") {
        let list: Vec<&str> = cases(&vectors, "list", 67)
            .iter()
            .filter_map(|v| v.as_str())
            .collect();
        let matrix = cases(&vectors, "compare_matrix", 67);
        assert_eq!(list.len(), matrix.len());
        for (v, row) in list.iter().zip(matrix) {
            let row = row.as_array().unwrap();
            assert_eq!(row.len(), list.len());
            for (w, want) in list.iter().zip(row) {
                let want = want.as_i64().unwrap().cmp(&0);
                assert_eq!(semver::compare(v, w), want, "{v} {w}");
                let total = if want == Ordering::Equal { v.cmp(w) } else { want };
                assert_eq!(semver::compare_total(v, w), total, "{v} {w}");
            }
        }
        let mut sorted = list;
        semver::sort(&mut sorted);
        let want: Vec<&str> = cases(&vectors, "sorted", 67)
            .iter()
            .filter_map(|v| v.as_str())
            .collect();
        assert_eq!(sorted, want);
    }
}
