//! What storage adds to what sources say, and what it says alone.

use std::sync::Arc;

use stoa_module::Resource;
use stoa_proxy::{
    Answer, Content, Meaning, NetworkMode, Offline, Outcome, Protocol, ProxyError, Stash, StorageFirst,
};
use stoa_storage::{FileKey, FileKind, Storage};
use stoa_testing::fixtures::ModuleFixture;

use crate::{
    fake::{Fake, broken, missing},
    lab::{Ask, go_mod, info, latest, list, memory, read, resource, target, zip},
};

const PSEUDO: &str = "v1.9.1-0.20240102030405-abcdefabcdef";

async fn store(storage: &dyn Storage, version: &str) {
    store_fixture(storage, &ModuleFixture::new("example.com/a", version)).await;
}

async fn store_fixture(storage: &dyn Storage, fixture: &ModuleFixture) {
    for (kind, content) in [
        (FileKind::Info, fixture.info()),
        (FileKind::Mod, fixture.go_mod()),
    ] {
        let key = FileKey::new(target(fixture.version()), kind);
        storage.put(&key, content).await.unwrap();
    }
}

async fn first(mode: NetworkMode, versions: &[&str]) -> (Fake, Arc<dyn Storage>, StorageFirst) {
    let (fake, storage) = (Fake::new(), memory());
    for version in versions {
        store(storage.as_ref(), version).await;
    }
    let inner: Arc<dyn Protocol> = match mode {
        NetworkMode::Offline => Arc::new(Stash::new(Arc::new(Offline))),
        _ => Arc::new(fake.clone()),
    };
    let first = StorageFirst::new(inner, Arc::clone(&storage), mode);
    (fake, storage, first)
}

async fn text(answer: Answer) -> String {
    let bytes = read(answer.into_parts().0).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn get(first: &StorageFirst, resource: &Resource) -> Result<String, ProxyError> {
    Ok(text(first.ask(resource).await?).await)
}

async fn version(first: &StorageFirst) -> String {
    let told: serde_json::Value = serde_json::from_str(&get(first, &latest()).await.unwrap()).unwrap();
    told["Version"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_list_of_the_source_is_passed_on_as_it_is() {
    let stored = ["v1.10.0", "v1.2.0", "v1.3.0-rc.1", PSEUDO];
    let (fake, storage, first) = first(NetworkMode::Online, &stored).await;
    // Not whole enough to be used without a source.
    let lone = FileKey::new(target("v1.7.0"), FileKind::Mod);
    storage.put(&lone, "module example.com/a\n".into()).await.unwrap();
    fake.text(
        &list(),
        "v1.9.0\nv1.2.0\nmaster\nv2.0.0\nv1.8\nv0.0.0-20240102030405-abcdefabcdef\nv1.3.0 2024-01-02\n",
    );
    // The flight below has put it together with what is stored, once for all who waited.
    let told = get(&first, &list()).await.unwrap();
    assert_eq!(
        told,
        "v1.9.0\nv1.2.0\nmaster\nv2.0.0\nv1.8\nv0.0.0-20240102030405-abcdefabcdef\nv1.3.0 2024-01-02\n"
    );
}

#[tokio::test]
async fn a_source_that_forgot_a_module_does_not_take_it_away() {
    let (_fake, _storage, first) = first(NetworkMode::Online, &["v1.0.0", "v1.1.0"]).await;
    assert_eq!(get(&first, &list()).await.unwrap(), "v1.0.0\nv1.1.0\n");
    assert_eq!(version(&first).await, "v1.1.0");
}

#[tokio::test]
async fn what_neither_knows_is_not_found() {
    for mode in [NetworkMode::Online, NetworkMode::Fallback, NetworkMode::Offline] {
        let (_fake, _storage, first) = first(mode, &[]).await;
        for resource in [list(), latest(), info(), go_mod(), zip()] {
            let error = first.ask(&resource).await.unwrap_err();
            assert_eq!(error.meaning(), Meaning::NotFound, "{mode:?} {resource}");
        }
    }
}

#[tokio::test]
async fn online_the_failure_of_the_source_is_a_failure_although_versions_are_stored() {
    let (fake, _storage, first) = first(NetworkMode::Online, &["v1.0.0"]).await;
    for resource in [list(), latest()] {
        fake.fail(&resource, broken());
        let error = first.ask(&resource).await.unwrap_err();
        assert_eq!(error.meaning(), Meaning::BadUpstream);
    }
}

#[tokio::test]
async fn with_fallback_the_stored_versions_stand_in_for_a_failing_source() {
    let (fake, storage, first) = first(NetworkMode::Fallback, &["v1.0.0", "v1.1.0"]).await;
    for resource in [list(), latest()] {
        fake.fail(&resource, broken());
    }
    assert_eq!(get(&first, &list()).await.unwrap(), "v1.0.0\nv1.1.0\n");
    assert_eq!(version(&first).await, "v1.1.0");
    let empty = StorageFirst::new(Arc::new(fake.clone()), memory(), NetworkMode::Fallback);
    for resource in [list(), latest()] {
        let error = empty.ask(&resource).await.unwrap_err();
        assert_eq!(
            error.meaning(),
            Meaning::BadUpstream,
            "nothing is stored: no 404 is invented"
        );
    }
    let branch = resource("example.com/a/@v/main.info");
    fake.fail(&branch, broken());
    assert_eq!(
        first.ask(&branch).await.unwrap_err().meaning(),
        Meaning::BadUpstream
    );
    fake.text(&list(), "v1.2.0\n");
    assert_eq!(get(&first, &list()).await.unwrap(), "v1.2.0\n");
    drop(storage);
}

#[tokio::test]
async fn the_latest_of_the_source_counts_when_it_tells_one() {
    let (fake, _storage, first) = first(NetworkMode::Online, &["v1.5.0"]).await;
    let odd = "{\"Version\":\"v1.2.0\" }";
    fake.text(&latest(), odd);
    assert_eq!(get(&first, &latest()).await.unwrap(), odd);
}

#[tokio::test]
async fn offline_the_stored_is_all_there_is() {
    let (_fake, _storage, first) = first(NetworkMode::Offline, &["v1.0.0", PSEUDO, "v1.1.0"]).await;
    assert_eq!(get(&first, &list()).await.unwrap(), "v1.0.0\nv1.1.0\n");
    let stored = ModuleFixture::new("example.com/a", "v1.0.0");
    assert_eq!(get(&first, &info()).await.unwrap(), stored.info());
    assert_eq!(get(&first, &go_mod()).await.unwrap(), stored.go_mod());
    for resource in [
        zip(),
        resource("example.com/a/@v/main.info"),
        resource("example.com/a/@v/v1.2.0.info"),
        resource("example.com/b/@latest"),
        resource("example.com/b/@v/list"),
    ] {
        let error = first.ask(&resource).await.unwrap_err();
        assert!(
            matches!(error.cause(), stoa_proxy::Cause::NotStored { .. }),
            "{resource}: {error}"
        );
        assert_eq!(error.meaning(), Meaning::NotFound);
    }
}

#[tokio::test]
async fn offline_the_latest_is_a_release_else_a_prerelease_else_the_newest_commit() {
    for (stored, want) in [
        (&["v1.0.0", "v1.2.0-rc.1", PSEUDO][..], "v1.0.0"),
        (&["v1.2.0-rc.1", "v1.2.0-rc.2", PSEUDO], "v1.2.0-rc.2"),
        (&["v0.0.0-20230102030405-abcdefabcdef", PSEUDO], PSEUDO),
        (&["v1.9.0", "v1.10.0"], "v1.10.0"),
    ] {
        let (_fake, _storage, first) = first(NetworkMode::Offline, stored).await;
        assert_eq!(version(&first).await, want);
    }
}

#[tokio::test]
async fn incompatible_versions_count_until_the_module_has_a_go_mod() {
    let old = |version| ModuleFixture::new("example.com/a", version).without_go_mod();
    let (_fake, storage, first) = first(NetworkMode::Offline, &[]).await;
    for version in ["v1.0.0", "v2.0.0+incompatible"] {
        store_fixture(storage.as_ref(), &old(version)).await;
    }
    assert_eq!(version(&first).await, "v2.0.0+incompatible");
    store(storage.as_ref(), "v1.1.0").await;
    assert_eq!(version(&first).await, "v1.1.0");
}

#[tokio::test]
async fn offline_retractions_of_the_newest_stored_go_mod_count() {
    let (_fake, storage, first) = first(NetworkMode::Offline, &["v1.0.0", "v1.1.0"]).await;
    let retracting = ModuleFixture::new("example.com/a", "v1.2.0")
        .retract("[v1.1.0, v1.2.0]", "published by mistake")
        .retract("v1.0.0-rc.1", "early");
    store_fixture(storage.as_ref(), &retracting).await;
    assert_eq!(version(&first).await, "v1.0.0");
    assert_eq!(
        get(&first, &list()).await.unwrap(),
        "v1.0.0\nv1.1.0\nv1.2.0\n",
        "a list keeps what is retracted"
    );
}

#[tokio::test]
async fn offline_a_go_mod_that_cannot_be_read_retracts_nothing() {
    let (_fake, storage, first) = first(NetworkMode::Offline, &["v1.0.0"]).await;
    let garbled = ModuleFixture::new("example.com/a", "v1.2.0").with_go_mod("retract (((\n\0");
    store_fixture(storage.as_ref(), &garbled).await;
    assert_eq!(version(&first).await, "v1.2.0");
}

#[tokio::test]
async fn a_stored_file_is_served_without_asking_and_each_stands_alone() {
    let (fake, storage, first) = first(NetworkMode::Online, &["v1.0.0"]).await;
    for resource in [info(), go_mod()] {
        let answer = first.ask(&resource).await.unwrap();
        assert_eq!(answer.outcome, Outcome::Hit);
        assert!(matches!(answer.content, Content::Stored(_)));
    }
    assert_eq!(fake.count(), 0);
    fake.text(&zip(), "the zip");
    assert_eq!(get(&first, &zip()).await.unwrap(), "the zip");
    fake.fail(&go_mod(), missing());
    let key = FileKey::new(target("v1.0.0"), FileKind::Mod);
    storage.quarantine(&key).await.unwrap();
    assert!(first.ask(&go_mod()).await.unwrap_err().is_not_found());
    first.ask(&info()).await.unwrap();
    assert_eq!(fake.asked(), [zip(), go_mod()]);
}

#[tokio::test]
async fn offline_a_retracted_version_is_better_than_none() {
    let (_fake, storage, first) = first(NetworkMode::Offline, &[]).await;
    let retracting = ModuleFixture::new("example.com/a", "v1.1.0").retract("v1.1.0", "published by mistake");
    store_fixture(storage.as_ref(), &retracting).await;
    assert_eq!(version(&first).await, "v1.1.0");
}
