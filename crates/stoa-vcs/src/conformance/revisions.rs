//! Revision strings, tags and the newest commit.

use std::time::{Duration, SystemTime};

use super::origin::Origin;
use super::reading::tag_names;
use super::sample::{FIRST_TIME, SECOND_TIME, Sample};
use super::{Change, Scenario};
use crate::{Repository, VcsError};

pub(super) async fn run(sample: &Sample<'_>) {
    let repository = sample.origin.open_once();
    newest_commit(sample, &*repository).await;
    names_of_commits(sample, &*repository).await;
    tags(sample, &*repository).await;
    unknown_names(sample, &*repository).await;
    branches(sample.origin.scenario).await;
}

/// `seconds` after 1970.
fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

async fn newest_commit(sample: &Sample<'_>, repository: &dyn Repository) {
    let scenario = sample.origin.scenario;
    assert_eq!(repository.vcs(), scenario.vcs());
    assert_eq!(repository.url(), sample.origin.url);
    let latest = repository.latest().await.expect("a commit");
    assert_eq!((&latest.id, latest.time), (&sample.second, at(SECOND_TIME)));
    assert_eq!(latest.reference.as_deref(), Some(scenario.latest_reference()));
    assert_eq!(latest.version, latest.id.as_str());
    assert_eq!(latest.tags, [""; 0]);
    let short = if scenario.abilities().hashes.is_there() {
        latest.id.as_str()[..12].to_owned()
    } else {
        format!("{:0>12}", latest.id.as_str())
    };
    assert_eq!(latest.short, short);
}

/// Whole and short ids name their commit, and are no refs.
async fn names_of_commits(sample: &Sample<'_>, repository: &dyn Repository) {
    let abilities = sample.origin.scenario.abilities();
    let first = repository.stat(sample.first.as_str()).await.expect("a commit");
    assert_eq!((&first.id, first.time), (&sample.first, at(FIRST_TIME)));
    assert_eq!(first.version, first.id.as_str());
    let mut names = vec![first.short.clone()];
    if abilities.hashes.is_there() {
        assert_eq!(first.reference, None);
        names.extend([7, 10].map(|digits| first.id.as_str()[..digits].to_owned()));
    }
    for name in names {
        let found = repository
            .stat(&name)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((&found.id, &found.version), (&first.id, &first.version), "{name}");
        if abilities.hashes.is_there() && name.len() == 12 {
            assert_eq!(found.reference, None, "{name}");
        }
    }
}

async fn tags(sample: &Sample<'_>, repository: &dyn Repository) {
    let abilities = sample.origin.scenario.abilities();
    if abilities.lists_tags.is_there() {
        assert_eq!(tag_names(repository, "").await, ["sub/v1.1.0", "v1.0.0"]);
        assert_eq!(tag_names(repository, "sub/").await, ["sub/v1.1.0"]);
        assert_eq!(tag_names(repository, "v1.").await, ["v1.0.0"]);
    }
    assert_eq!(tag_names(repository, "no/").await, [""; 0]);
    for name in ["v1.0.0", "sub/v1.1.0"] {
        let found = repository.stat(name).await;
        if !abilities.resolves_tags.is_there() {
            let error = found.expect_err("no tag is a revision");
            assert!(matches!(error, VcsError::UnknownRevision { .. }), "{error}");
            continue;
        }
        let found = found.expect("a tag");
        assert_eq!((&found.id, found.time), (&sample.first, at(FIRST_TIME)));
        let reference = found.reference.as_deref().expect("a ref");
        assert!(reference.ends_with(name), "{reference}");
        if abilities.versions_from_tags.is_there() {
            assert_eq!(found.version, name);
            assert_eq!(found.tags, ["sub/v1.1.0", "v1.0.0"]);
        } else {
            assert_eq!((found.version.as_str(), found.tags.len()), (found.id.as_str(), 0));
        }
    }
}

/// What names no commit is unknown, and never something else to the program.
async fn unknown_names(sample: &Sample<'_>, repository: &dyn Repository) {
    let strings = [
        "nosuch",
        "v1.0",
        "v1.0.0^{}",
        "d4c7dcdc298a",
        "fffffffff",
        "refs/tags/v1.0.0",
        ".",
        "..",
        "null",
        "all()",
        "-1",
        "-R",
        "-n1",
        "--help",
        "--config=x",
        "",
        "a\nb",
        "a\0b",
        "x' or 'tip",
        "tip\\",
        "BASE",
        "{2017-01-01}",
        "1/../..@1",
        "../r",
        "4294967295",
        "@",
        "main~1",
    ];
    let own = sample.origin.scenario.hostile_revisions(&sample.origin.url);
    for name in strings.into_iter().chain(own.iter().map(String::as_str)) {
        let error = repository.stat(name).await.expect_err(name);
        let unknown = matches!(error, VcsError::UnknownRevision { .. });
        assert!(unknown && error.is_not_exist(), "{name:?}: {error:?}");
    }
}

async fn branches(scenario: &dyn Scenario) {
    let abilities = scenario.abilities();
    if !abilities.branches.is_there() {
        return;
    }
    let origin = Origin::new(scenario);
    origin.write("one", "1\n");
    let main = origin.commit(FIRST_TIME);
    origin.change(Change::Branch { name: "side" });
    origin.write("two", "2\n");
    let side = origin.commit(SECOND_TIME);
    let repository = origin.open_once();
    let found = repository.stat("side").await.expect("a branch");
    assert_eq!((&found.id, found.version.as_str()), (&side, side.as_str()));
    let newest = if abilities.default_branch.is_there() {
        main
    } else {
        side
    };
    assert_eq!(repository.latest().await.expect("a commit").id, newest);
}
