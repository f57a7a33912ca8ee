//! `.info`, `.mod` and what may change: fetched whole, checked, then stored.

use bytes::Bytes;

use stoa_module::Resource;
use stoa_proxy::{Meaning, Stasher};
use stoa_storage::FileKind;
use stoa_testing::reply::Reply;

use crate::{
    lab::{Bring, Lab, go_mod, info, key, latest, list, module, path, read, resource},
    slow_storage::{Ending, SlowStorage},
};

async fn stash(lab: &Lab, resource: &Resource) -> Result<Bytes, stoa_proxy::ProxyError> {
    read(lab.stasher.bring(resource).await?.content).await
}

#[tokio::test]
async fn bytes_are_returned_and_stored_as_they_came() {
    let lab = Lab::new().await;
    let odd = "{ \"Time\":null,\r\n \"Version\" : \"v1.0.0\", \"Origin\":{\"URL\":\"x\"}}\n\n";
    lab.upstream.file("/example.com/a/@v/v1.0.0.info", odd);
    let text = "module example.com/a // as it is\r\n";
    lab.upstream.file("/example.com/a/@v/v1.0.0.mod", text);
    assert_eq!(stash(&lab, &info()).await.unwrap(), odd);
    assert_eq!(stash(&lab, &go_mod()).await.unwrap(), text);
    assert_eq!(lab.stored(FileKind::Info).await.unwrap(), odd);
    assert_eq!(lab.stored(FileKind::Mod).await.unwrap(), text);
}

#[tokio::test]
async fn an_info_that_is_none_is_neither_returned_nor_stored() {
    let lab = Lab::new().await;
    for (answer, why) in [
        (r#"{"Version":"v1.0.1","Time":"2024-01-01T00:00:00Z"}"#, "v1.0.1"),
        (r#"{"Version":"v1.0","Time":"2024-01-01T00:00:00Z"}"#, "v1.0"),
        (r#"{"Version":"v2.0.0"}"#, "v2"),
        (r#"{"Time":"2024-01-01T00:00:00Z"}"#, "Version"),
        ("<!DOCTYPE html><title>Sign in</title>", "JSON"),
        ("", "JSON"),
        ("null", "JSON"),
        (r#"{"Version":"v1.0.0"} and more"#, "JSON"),
    ] {
        lab.upstream.file("/example.com/a/@v/v1.0.0.info", answer);
        let error = stash(&lab, &info()).await.expect_err(answer);
        assert_eq!(error.meaning(), Meaning::BadUpstream, "{answer}: {error}");
        assert!(error.to_string().contains(why), "{answer}: {error}");
        assert!(lab.storage.versions(&path()).await.unwrap().is_empty());
    }
    lab.upstream.module(&module());
    stash(&lab, &info()).await.unwrap();
}

#[tokio::test]
async fn answers_that_may_change_are_checked_and_not_stored() {
    let lab = Lab::new().await;
    let branch = resource("example.com/a/@v/main.info");
    for resource in [latest(), branch] {
        let at = format!("/{}", resource.path());
        lab.upstream.file(&at, "<html>");
        assert_eq!(
            stash(&lab, &resource).await.unwrap_err().meaning(),
            Meaning::BadUpstream
        );
        for version in ["v1.0.0", "v1.4.0-rc.1", "v0.0.0-20240102030405-abcdefabcdef"] {
            let told = format!(r#"{{"Version":"{version}"}}"#);
            lab.upstream.file(&at, told.clone());
            assert_eq!(stash(&lab, &resource).await.unwrap(), told);
        }
    }
    lab.upstream.file("/example.com/a/@v/list", "v1.0.0\n");
    assert_eq!(stash(&lab, &list()).await.unwrap(), "v1.0.0\n");
    assert!(lab.storage.versions(&path()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_file_that_was_cut_short_is_not_stored() {
    let lab = Lab::new().await;
    for send in ["", "module example.com/a\n"] {
        let cut = Reply::Truncate {
            announce: 100,
            send: send.into(),
        };
        lab.upstream.on("/example.com/a/@v/v1.0.0.mod", cut);
        assert_eq!(
            stash(&lab, &go_mod()).await.unwrap_err().meaning(),
            Meaning::BadUpstream
        );
        assert_eq!(lab.stored(FileKind::Mod).await, None);
    }
}

#[tokio::test]
async fn a_mod_is_fetched_and_stored_without_its_neighbours() {
    let lab = Lab::new().await;
    let module = module();
    lab.upstream.module(&module);
    for (resource, kind, suffix) in [(go_mod(), FileKind::Mod, "mod"), (info(), FileKind::Info, "info")] {
        stash(&lab, &resource).await.unwrap();
        assert_eq!(lab.upstream.count(&module.url_path(suffix)), 1);
        assert!(lab.stored(kind).await.is_some());
        let versions = lab.storage.versions(&path()).await.unwrap();
        assert!(!versions[0].zip);
        if kind == FileKind::Mod {
            assert!(!versions[0].info);
        }
    }
    assert_eq!(lab.upstream.total(), 2);
}

#[tokio::test]
async fn a_file_that_cannot_be_stored_is_not_returned() {
    let storage = std::sync::Arc::new(SlowStorage::new(Ending::Fails));
    let lab = Lab::over(storage).await;
    lab.upstream.module(&module());
    let error = stash(&lab, &info()).await.unwrap_err();
    assert_eq!(error.meaning(), Meaning::StorageFull);
    assert!(error.to_string().contains("no room"), "{error}");
    assert!(!error.to_string().contains("somewhere"), "{error}");
    let report = error.report().to_string();
    assert!(report.contains("cannot store somewhere: "), "{report}");
}

#[tokio::test]
async fn the_first_content_wins_over_a_file_that_comes_later() {
    let storage = SlowStorage::new(Ending::Waits);
    let lab = Lab::over(std::sync::Arc::new(storage.clone())).await;
    lab.upstream.module(&module());
    let stasher: &dyn Stasher = lab.stasher.as_ref();
    let (resource, key) = (go_mod(), key(FileKind::Mod));
    let (stashed, ()) = tokio::join!(stasher.bring(&resource), async {
        storage.reached(1).await;
        // Another process stores it before our answer gets there.
        storage.inner().put(&key, "module first\n".into()).await.unwrap();
        storage.set(Ending::Succeeds);
    });
    let stashed = stashed.unwrap();
    assert_eq!(
        read(stashed.content).await.unwrap(),
        "module first\n",
        "what is returned is what is stored"
    );
    assert_eq!(lab.stored(FileKind::Mod).await.unwrap(), "module first\n");
}
