//! Finding what is stored.

use std::sync::Arc;

use stoa_module::ModulePath;

use super::examples::{key, module, pattern, put, version};
use crate::key::FileKind;
use crate::storage::Storage;
use crate::stored_version::StoredVersion;

pub(super) async fn run(make: &impl AsyncFn() -> Arc<dyn Storage>) {
    versions_are_in_order_with_their_files(&*make().await).await;
    nested_modules_do_not_mix(&*make().await).await;
    modules_are_paged_in_order(&*make().await).await;
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
        "example.com/a",
        "example.com/a-b",
        "example.com/a-b/c",
        "example.com/a.b",
        "example.com/a/b",
        "example.com/a/b-c",
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
        let goes_on = after.is_none() || page.first().is_none_or(|first| Some(first) > after.as_ref());
        assert!(goes_on, "a page begins after {after:?}");
        walked.extend(page.iter().map(ToString::to_string));
        if page.len() < limit {
            return walked;
        }
        after = page.last().cloned();
    }
}
