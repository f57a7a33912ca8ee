//! What holds for any tags and any history.

use proptest::prelude::*;
use stoa_code_repo::{CodeRepoError, CodeRepoReason, PseudoReason};
use stoa_module::Version;

use crate::support::memory_repo::{MemoryRepo, stamp};

fn tag() -> impl Strategy<Value = String> {
    let version = "v(0|1|2|3|10)\\.[0-2]\\.[0-2](-rc\\.[0-2]|-0|\\+meta)?".prop_map(String::from);
    let odd = prop_oneof![
        Just("v1".to_owned()),
        Just("v01.0.0".to_owned()),
        Just("release-1".to_owned()),
        (0..6_usize).prop_map(|n| format!("v0.0.0-{}", stamp(n))),
    ];
    let tag = prop_oneof![8 => version, 1 => odd];
    (prop_oneof![3 => Just(""), 1 => Just("sub/")], tag).prop_map(|(prefix, tag)| format!("{prefix}{tag}"))
}

fn files() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    prop::sample::subsequence(
        vec![
            ("go.mod", "module h.com/r\nretract v1.1.1\n"),
            ("sub/go.mod", "module h.com/r/sub\n"),
            ("v2/go.mod", "module h.com/r/v2\n"),
            ("a.go", "package a\n"),
        ],
        0..=4,
    )
}

fn repositories() -> impl Strategy<Value = MemoryRepo> {
    let commit = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        files(),
    );
    let tags = prop::collection::vec((tag(), any::<prop::sample::Index>()), 0..20);
    (prop::collection::vec(commit, 1..8), tags).prop_map(|(commits, tags)| {
        let mut repo = MemoryRepo::new();
        for (n, (one, other, files)) in commits.iter().enumerate() {
            let parents = if n == 0 {
                Vec::new()
            } else {
                vec![one.index(n), other.index(n)]
            };
            repo = repo.commit_on(&parents, files);
        }
        for (tag, at) in tags {
            let at = at.index(repo.commits.len());
            repo.tags.insert(tag, at);
        }
        repo
    })
}

/// For a module in a folder, cmd/go (`validatePseudoVersion`) also reads tags of the root as bases: a pseudo-version after
/// `sub/v1.2.2` of a commit that the root calls `v1.2.2` is given out, and refused when it is asked for. So it is here.
fn is_taken_by_the_root(error: &CodeRepoError) -> bool {
    let CodeRepoReason::Pseudo(PseudoReason::AlreadyCanonical { tag, .. }) = error.reason() else {
        return false;
    };
    !tag.starts_with("sub/") && error.to_string().starts_with("h.com/r/sub")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lists_are_sorted_and_answers_are_themselves(
        repo in repositories(),
        rest in prop_oneof![Just(""), Just("/sub"), Just("/v2"), Just("/sub/v3")],
        query in prop_oneof![Just("HEAD".to_owned()), (0..8_usize).prop_map(crate::support::memory_repo::hash), tag()],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let module = repo.module(rest);
        runtime.block_on(async {
            let list = module.versions().await.unwrap().list.clone();
            let compatible = list.iter().filter(|version| !version.is_incompatible());
            prop_assert!(compatible.is_sorted_by(|a, b| a < b), "{list:?}");
            prop_assert!(list.is_sorted_by(|a, b| a < b), "{list:?}");
            for version in &list {
                prop_assert_eq!(Version::parse(version.as_str()), Ok(version.clone()));
                prop_assert!(!version.is_pseudo());
                prop_assert!(module.module().split().1.match_version(version), "{version}");
                // A listed version is itself, or none at all.
                if let Ok(info) = module.stat(version.as_str()).await {
                    prop_assert_eq!(info.version(), version);
                }
            }
            if let Ok(info) = module.stat(&query).await {
                prop_assert!(module.module().split().1.match_version(info.version()), "{info:?}");
                let again = module.stat(info.version().as_str()).await;
                if again.as_ref().is_err_and(is_taken_by_the_root) {
                    return Ok(());
                }
                let again = again.map_err(|error| TestCaseError::fail(format!("{query}: {error}")))?;
                prop_assert_eq!((again.version(), &again.id, again.time), (info.version(), &info.id, info.time));
                prop_assert_eq!(again.info.pinned().to_json().is_empty(), false);
                prop_assert!(module.go_mod(info.version()).await.is_ok());
            }
            Ok(())
        })?;
    }
}
