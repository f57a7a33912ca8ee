//! Finding what is stored.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use stoa_module::ModulePath;

use super::examples::{commit, hash, key, module, pattern, put, version};
use crate::key::FileKind;
use crate::storage::Storage;
use crate::stored_version::StoredVersion;

pub(super) async fn run(make: &impl AsyncFn() -> Arc<dyn Storage>) {
    versions_are_in_order_with_their_files(&*make().await).await;
    nested_modules_do_not_mix(&*make().await).await;
    modules_are_paged_in_order(&*make().await).await;
    files_are_paged_in_order(&*make().await).await;
}

async fn versions_are_in_order_with_their_files(storage: &dyn Storage) {
    use FileKind::{Info, Mod, Zip};
    let sorted: [(&str, &[FileKind]); 8] = [
        ("v0.0.0-20200102030405-abcdef012345", &[Info, Mod, Zip]),
        ("v0.1.0", &[Mod]),
        ("v1.9.0-rc.1", &[Info]),
        ("v1.9.0-rc.1.0.20200102030405-abcdef012345", &[Zip]),
        ("v1.9.0", &[Info, Mod]),
        ("v1.10.0", &[Mod, Zip]),
        ("v1.11.0-RC", &[Info, Zip]),
        ("v2.0.0+incompatible", &[Info, Mod, Zip]),
    ];
    let path = "example.com/Upper/m";
    assert_eq!(
        storage.versions(&module(path)).await.expect("lists"),
        [],
        "nothing is stored yet"
    );
    for n in [5, 2, 7, 0, 4, 6, 1, 3] {
        for kind in sorted[n].1 {
            put(storage, &key(path, sorted[n].0, *kind), &pattern(10, 1)).await;
        }
    }
    put(
        storage,
        &key("example.com/upper/m", "v1.5.0", Info),
        &pattern(10, 1),
    )
    .await;
    let expected = sorted.map(|(text, kinds)| {
        let mut stored = StoredVersion::new(version(text));
        for kind in kinds {
            stored.add(*kind);
        }
        stored
    });
    assert_eq!(storage.versions(&module(path)).await.expect("lists"), expected);
    storage
        .quarantine(&key(path, "v0.1.0", Mod))
        .await
        .expect("quarantines");
    let left: Vec<_> = expected
        .into_iter()
        .filter(|stored| stored.version != version("v0.1.0"))
        .collect();
    assert_eq!(
        storage.versions(&module(path)).await.expect("lists"),
        left,
        "a version without files is gone"
    );
}

async fn nested_modules_do_not_mix(storage: &dyn Storage) {
    let stored = [
        ("example.com/a/b", "v1.0.0"),
        ("example.com/a/b/v2", "v2.0.0"),
        ("example.com/a/b/c", "v1.1.0"),
        ("example.com/a", "v1.2.0"),
    ];
    for (path, at) in stored {
        put(storage, &key(path, at, FileKind::Mod), &pattern(10, 1)).await;
    }
    for (path, at) in stored {
        let versions = storage.versions(&module(path)).await.expect("lists");
        let texts: Vec<_> = versions.iter().map(|stored| stored.version.as_str()).collect();
        assert_eq!(texts, [at], "{path} has its own versions only");
    }
    let above = storage.versions(&module("example.com")).await.expect("lists");
    assert_eq!(above, [], "a path above modules is none");
}

async fn modules_are_paged_in_order(storage: &dyn Storage) {
    let sorted = [
        "example.com/A",
        "example.com/Z/z",
        "example.com/a-b",
        "example.com/a-b/c",
        "example.com/a.b",
        "example.com/a",
        "example.com/a/b-c",
        "example.com/a/b",
        "example.com/a/b/c",
        "example.com/a/b/v2",
        "example.com/a0",
        "example.com/a_b",
        "example.com/ab/deep/down/here",
        "example.com/b",
        "example.org/a",
        "gopkg.in/yaml.v2",
    ];
    for n in (0..sorted.len()).map(|n| n * 5 % sorted.len()) {
        let at = match sorted[n].rsplit_once(['/', '.']) {
            Some((_, "v2")) => "v2.0.0",
            _ => "v1.0.0",
        };
        put(storage, &key(sorted[n], at, FileKind::Info), &pattern(10, 1)).await;
    }
    for limit in [1, 2, 3, sorted.len() - 1, sorted.len(), 1000] {
        assert_eq!(
            walk(storage, limit).await,
            sorted,
            "every module once, in order, by {limit}"
        );
    }
    let list = async |after: Option<&ModulePath>, limit| storage.modules(after, limit).await.expect("lists");
    assert_eq!(list(None, 0).await, [], "a page of none");
    for (after, next) in [
        ("example.com/a/a", 6),
        ("example.com/a/b/b", 8),
        ("example.com/a/b/B", 7),
        ("example.net", 14),
        ("aaa.example", 0),
    ] {
        let page = list(Some(&module(after)), 1).await;
        assert_eq!(
            page,
            [module(sorted[next])],
            "the walk goes on after '{after}', which is not stored"
        );
    }
    assert_eq!(
        list(Some(&module("zzz.example")), 5).await,
        [],
        "nothing after the last"
    );
}

/// Every module, by pages of `limit`.
async fn walk(storage: &dyn Storage, limit: usize) -> Vec<String> {
    let (mut walked, mut after) = (Vec::new(), None);
    loop {
        let page = storage.modules(after.as_ref(), limit).await.expect("lists");
        assert!(page.len() <= limit, "a page has at most {limit} modules");
        walked.extend(page.iter().map(ToString::to_string));
        if page.len() < limit {
            return walked;
        }
        after = page.last().cloned();
    }
}

async fn files_are_paged_in_order(storage: &dyn Storage) {
    use FileKind::{Info, Mod, Zip};
    let sorted = [
        ("example.com/!upper", "v1.0.0", Mod, 11),
        ("example.com/a-b", "v0.1.0", Zip, 70_000),
        ("example.com/a", "v1.10.0", Info, 1),
        ("example.com/a", "v1.10.0", Mod, 2),
        ("example.com/a", "v1.10.0", Zip, 3),
        ("example.com/a", "v1.9.0-!r!c", Info, 4),
        ("example.com/a", "v1.9.0", Info, 0),
        ("example.com/a/b", "v1.0.0", Zip, 5),
        ("example.com/b", "v1.0.0", Info, 6),
    ];
    let escaped = |path: &str| path.replace("!upper", "Upper");
    let keys = sorted.map(|(path, at, kind, _)| key(&escaped(path), &at.replace("!r!c", "RC"), kind));
    let began = SystemTime::now() - Duration::from_secs(2);
    for n in (0..sorted.len()).map(|n| n * 5 % sorted.len()) {
        put(storage, &keys[n], &pattern(sorted[n].3, 1)).await;
    }
    // A hash and a record are no files of a module.
    let last = key("example.com/a", "v1.10.0", Zip);
    commit(storage, &last, &pattern(3, 1), 10, Some(&hash(1))).await;
    let record = "other/example.com/x".parse().expect("a record's name");
    let records = storage.records();
    records.write(&record, pattern(5, 5)).await.expect("writes");
    for limit in [1, 2, sorted.len() - 1, sorted.len(), 1000] {
        let (mut walked, mut after) = (Vec::new(), None);
        loop {
            let page = storage.files(after.as_ref(), limit).await.expect("lists");
            after = page.last().map(|file| file.key.clone());
            let is_last = page.len() < limit;
            walked.extend(page);
            if is_last {
                break;
            }
        }
        let found: Vec<_> = walked.iter().map(|file| (file.key.clone(), file.len)).collect();
        let expected: Vec<_> = keys
            .iter()
            .cloned()
            .zip(sorted.map(|(.., len)| len as u64))
            .collect();
        assert_eq!(found, expected, "every file once, in order, by {limit}");
        let limit = SystemTime::now() + Duration::from_secs(2);
        let in_time = walked
            .iter()
            .all(|file| file.modified > began && file.modified < limit);
        assert!(in_time, "files are as old as they are: {walked:?}");
    }
    assert_eq!(storage.files(None, 0).await.expect("lists"), [], "a page of none");
    let absent = key("example.com/a", "v1.10.0-rc.1", Zip);
    let page = storage.files(Some(&absent), 1).await.expect("lists");
    assert_eq!(page[0].key, keys[2], "the walk goes on after what is not stored");
}
