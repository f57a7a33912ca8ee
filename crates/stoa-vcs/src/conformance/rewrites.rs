//! History that was taken back.

use super::origin::Origin;
use super::reading::{archived_files, drain, tag_names};
use super::{Change, Scenario};

/// The copy becomes what the repository is; what is being read of the old one is read to its end.
pub(super) async fn run(scenario: &dyn Scenario) {
    let abilities = scenario.abilities();
    if !abilities.rewrites.is_there() {
        return;
    }
    let origin = Origin::new(scenario);
    origin.write("one", "1\n");
    let first = origin.commit(1_000_000_000);
    origin.write("two", "2\n");
    let second = origin.commit(1_000_000_100);
    origin.change(Change::Tag { name: "v2.0.0" });
    let repository = origin.open();
    assert_eq!(repository.stat("v2.0.0").await.expect("a tag").id, second);
    let files = archived_files(&*repository, &second, "", 1000)
        .await
        .expect("an archive");
    let archive = repository.archive(&second, "", 1000).await.expect("an archive");

    origin.change(Change::Undo);
    assert_eq!(repository.latest().await.expect("a commit").id, first);
    let error = repository.stat("v2.0.0").await.expect_err("the tag is gone");
    assert!(error.is_not_exist(), "{error:?}");
    assert_eq!(tag_names(&*repository, "").await, [""; 0]);
    assert_eq!(drain(archive, scenario.vcs()).await, Ok(files));

    // Another commit in its place.
    origin.write("three", "3\n");
    let third = origin.commit(1_000_000_200);
    let latest = repository.latest().await.expect("a commit");
    assert_eq!(latest.id, third);
    let files = archived_files(&*repository, &third, "", 1000)
        .await
        .expect("an archive");
    assert!(files.contains_key(b"three".as_slice()) && !files.contains_key(b"two".as_slice()));
}
