//! What events do.

use super::adapter::Adapter;
use super::examples::{
    at, bare, found, get, h1, listed, origin, record, removed, stored, target, totals, used, verifier,
};
use crate::{FileKind, IndexError, IndexEvent, MAX_BATCH, Stored};

pub(super) async fn run(adapter: &dyn Adapter) {
    an_empty_index_has_nothing(adapter).await;
    what_is_stored_is_known_on_every_node(adapter).await;
    the_same_again_changes_nothing(adapter).await;
    what_is_found_says_nothing_of_its_origin(adapter).await;
    uses_only_grow(adapter).await;
    a_version_goes_with_its_last_file(adapter).await;
    a_version_is_listed_when_it_is_wanted(adapter).await;
    moments_increase_from_batch_to_batch(adapter).await;
    what_is_too_much_is_refused_or_left_out(adapter).await;
}

async fn an_empty_index_has_nothing(adapter: &dyn Adapter) {
    let index = adapter.storage().await.open().await;
    index.check().await.expect("it can be used");
    index.record(&[]).await.expect("takes nothing");
    assert_eq!(totals(&*index).await, [0; 4]);
    assert_eq!(
        index
            .get(&target("example.com/a", "v1.0.0"))
            .await
            .expect("looks"),
        None
    );
    assert_eq!(listed(&*index).await, [""; 0]);
    assert!(
        !index.is_complete().await.expect("tells"),
        "nothing has been looked through"
    );
    assert!(!index.to_string().is_empty() && !index.to_string().contains('\n'));
}

async fn what_is_stored_is_known_on_every_node(adapter: &dyn Adapter) {
    let storage = adapter.storage().await;
    let (one, other) = (storage.open().await, storage.open().await);
    // Upper case differs from lower case, and a suffix of the version is part of it.
    let a = target("example.com/A", "v2.0.0-Rc.1+incompatible");
    let zip = Stored {
        h1: Some(h1(7)),
        origin: Some(origin("https://proxy.example.org/ä")),
        verified_by: Some(verifier("sum.example.org")),
        ..bare(&a, FileKind::Zip, 1 << 40)
    };
    let go_mod = Stored {
        h1: Some(h1(9)),
        ..bare(&a, FileKind::Mod, 20)
    };
    record(
        &*one,
        &[
            stored(&a, FileKind::Info, 100),
            IndexEvent::Stored(zip),
            IndexEvent::Stored(go_mod),
        ],
    )
    .await;
    let entry = get(&*other, &a).await;
    assert_eq!(entry, get(&*one, &a).await);
    assert_eq!(entry.target, a);
    assert_eq!(
        (entry.info, entry.go_mod, entry.zip),
        (Some(100), Some(20), Some(1 << 40))
    );
    assert_eq!((entry.go_mod_h1, entry.zip_h1), (Some(h1(9)), Some(h1(7))));
    assert_eq!(
        (entry.origin, entry.verified_by),
        (
            Some(origin("https://proxy.example.org/ä")),
            Some(verifier("sum.example.org"))
        )
    );
    assert_eq!(entry.last_use, None);
    assert!(
        entry.first_seen > at(1_700_000_000_000_000),
        "it has a clock: {}",
        entry.first_seen
    );
    let twin = target("example.com/a", "v2.0.0-Rc.1+incompatible");
    assert_eq!(other.get(&twin).await.expect("looks"), None, "case matters");
    let twin = target("example.com/A", "v2.0.0-rc.1+incompatible");
    assert_eq!(other.get(&twin).await.expect("looks"), None, "case matters");
    assert_eq!(totals(&*other).await, [1, 1, 3, (1 << 40) + 120]);
}

async fn the_same_again_changes_nothing(adapter: &dyn Adapter) {
    let index = adapter.storage().await.open().await;
    let a = target("example.com/a", "v1.0.0");
    let b = target("example.com/b", "v1.0.0");
    let zip = Stored {
        origin: Some(origin("x")),
        h1: Some(h1(1)),
        ..bare(&a, FileKind::Zip, 10)
    };
    let events = [
        IndexEvent::Stored(zip),
        found(&b, FileKind::Info, 5, 1_000),
        used(&a, 50),
        removed(&b, FileKind::Mod),
    ];
    record(&*index, &events).await;
    let before = (
        get(&*index, &a).await,
        get(&*index, &b).await,
        totals(&*index).await,
    );
    record(&*index, &events).await;
    for event in &events {
        record(&*index, std::slice::from_ref(event)).await;
    }
    assert_eq!(
        (
            get(&*index, &a).await,
            get(&*index, &b).await,
            totals(&*index).await
        ),
        before
    );
    assert_eq!(before.2, [2, 2, 2, 15]);
    // What is not known again does not become unknown; other content has no hash until one is known.
    record(&*index, &[stored(&a, FileKind::Zip, 10)]).await;
    assert_eq!(get(&*index, &a).await, before.0);
    record(&*index, &[stored(&a, FileKind::Zip, 11)]).await;
    let after = get(&*index, &a).await;
    assert_eq!(
        (after.zip, after.zip_h1, after.origin),
        (Some(11), None, Some(origin("x")))
    );
    assert_eq!(totals(&*index).await, [2, 2, 2, 16]);
}

async fn what_is_found_says_nothing_of_its_origin(adapter: &dyn Adapter) {
    let index = adapter.storage().await.open().await;
    let (a, b) = (
        target("example.com/a", "v1.0.0"),
        target("example.com/b", "v1.0.0"),
    );
    let file = |target, found| {
        IndexEvent::Stored(Stored {
            found,
            h1: Some(h1(3)),
            origin: Some(origin("here")),
            verified_by: Some(verifier("me")),
            ..bare(target, FileKind::Zip, 10)
        })
    };
    record(&*index, &[file(&a, None), file(&b, Some(at(77)))]).await;
    let (first, second) = (get(&*index, &a).await, get(&*index, &b).await);
    assert_eq!(
        (second.origin, second.verified_by, second.zip_h1),
        (None, None, Some(h1(3)))
    );
    assert_eq!(second.first_seen, at(77), "the time of the file");
    assert_eq!(
        listed(&*index).await,
        [a.to_string(), b.to_string()],
        "as they came, not as old as they are"
    );
    record(
        &*index,
        &[found(&a, FileKind::Zip, 10, 5), found(&b, FileKind::Info, 1, 5)],
    )
    .await;
    assert_eq!(get(&*index, &a).await, first, "what is known better stays");
    let entry = get(&*index, &b).await;
    assert_eq!(
        (entry.first_seen, entry.listed, entry.info),
        (at(77), second.listed, Some(1))
    );
}

async fn uses_only_grow(adapter: &dyn Adapter) {
    let storage = adapter.storage().await;
    let index = storage.open().await;
    let (a, b) = (
        target("example.com/a", "v1.0.0"),
        target("example.com/a", "v1.1.0"),
    );
    record(&*index, &[used(&a, 5)]).await;
    assert_eq!(totals(&*index).await, [0; 4], "nothing is known of it");
    record(
        &*index,
        &[
            stored(&a, FileKind::Mod, 1),
            stored(&b, FileKind::Mod, 1),
            used(&a, 9),
            used(&a, 7),
        ],
    )
    .await;
    record(&*index, &[used(&a, 8)]).await;
    assert_eq!(get(&*index, &a).await.last_use, Some(at(9)));
    assert_eq!(get(&*index, &b).await.last_use, None);
    let modules = index.modules("", None, 10).await.expect("lists");
    assert_eq!(
        (modules.len(), modules[0].versions, modules[0].last_use),
        (1, 2, Some(at(9)))
    );
}

async fn a_version_goes_with_its_last_file(adapter: &dyn Adapter) {
    let index = adapter.storage().await.open().await;
    let (a, b) = (
        target("example.com/a", "v1.0.0"),
        target("example.com/a", "v1.1.0"),
    );
    for kind in FileKind::ALL {
        record(&*index, &[stored(&a, kind, 10), stored(&b, kind, 100)]).await;
    }
    assert_eq!(totals(&*index).await, [1, 2, 6, 330]);
    record(
        &*index,
        &[
            removed(&a, FileKind::Zip),
            removed(&a, FileKind::Zip),
            removed(&a, FileKind::Info),
        ],
    )
    .await;
    let left = get(&*index, &a).await;
    assert_eq!((left.info, left.go_mod, left.zip), (None, Some(10), None));
    assert_eq!(totals(&*index).await, [1, 2, 4, 310]);
    record(&*index, &[removed(&a, FileKind::Mod)]).await;
    assert_eq!(index.get(&a).await.expect("looks"), None);
    assert_eq!(totals(&*index).await, [1, 1, 3, 300]);
    let gone: Vec<_> = FileKind::ALL.map(|kind| removed(&b, kind)).into();
    record(&*index, &gone).await;
    assert_eq!(totals(&*index).await, [0; 4]);
    assert_eq!(index.modules("", None, 10).await.expect("lists"), []);
    // It comes back as a new one.
    record(&*index, &[stored(&a, FileKind::Zip, 1)]).await;
    assert!(get(&*index, &a).await.first_seen > left.first_seen);
}

async fn a_version_is_listed_when_it_is_wanted(adapter: &dyn Adapter) {
    let index = adapter.storage().await.open().await;
    let all = ["v1.0.0", "v1.1.0", "v1.2.0"].map(|version| target("example.com/a", version));
    let [a, b, c] = &all;
    let files = [
        stored(a, FileKind::Mod, 1),
        stored(b, FileKind::Mod, 1),
        stored(c, FileKind::Zip, 1),
    ];
    record(&*index, &files).await;
    assert_eq!(
        listed(&*index).await,
        [c.to_string()],
        "who looks at a go.mod file wants no version"
    );
    record(
        &*index,
        &[stored(b, FileKind::Info, 1), stored(a, FileKind::Zip, 1)],
    )
    .await;
    assert_eq!(
        listed(&*index).await,
        [c, b, a].map(ToString::to_string),
        "none comes before one that was seen"
    );
    record(
        &*index,
        &[stored(b, FileKind::Zip, 1), removed(b, FileKind::Info)],
    )
    .await;
    assert_eq!(
        listed(&*index).await,
        [c, b, a].map(ToString::to_string),
        "it stays where it was"
    );
    record(&*index, &[removed(c, FileKind::Zip), removed(b, FileKind::Zip)]).await;
    assert_eq!(listed(&*index).await, [a.to_string()]);
    record(&*index, &[stored(b, FileKind::Zip, 1)]).await;
    assert_eq!(
        listed(&*index).await,
        [a, b].map(ToString::to_string),
        "it has come anew"
    );
}

async fn moments_increase_from_batch_to_batch(adapter: &dyn Adapter) {
    let storage = adapter.storage().await;
    let nodes = [storage.open().await, storage.open().await];
    let mut last = at(0);
    for number in 0..20 {
        let target = target("example.com/a", &format!("v1.{number}.0"));
        record(&*nodes[number % 2], &[stored(&target, FileKind::Zip, 1)]).await;
        let entry = get(&*nodes[(number + 1) % 2], &target).await;
        let moment = entry.listed.expect("it is listed");
        assert!(
            moment > last && moment > entry.first_seen,
            "{moment} after {last}"
        );
        last = moment;
    }
    let seen = nodes[0].since(last, 10).await.expect("lists");
    assert_eq!(
        (seen.len(), seen[0].at),
        (1, last),
        "the moment itself is part of it"
    );
    assert_eq!(nodes[1].since(last.next(), 10).await.expect("lists"), []);
}

async fn what_is_too_much_is_refused_or_left_out(adapter: &dyn Adapter) {
    let index = adapter.storage().await.open().await;
    let a = target("example.com/a", "v1.0.0");
    let many = vec![stored(&a, FileKind::Zip, 1); MAX_BATCH + 1];
    let refused = index.record(&many).await;
    assert!(matches!(refused, Err(IndexError::TooMany { .. })), "{refused:?}");
    assert_eq!(totals(&*index).await, [0; 4]);
    let long = |len: usize| format!("example.com/{}", "x".repeat(len - 12));
    let (fits, too_long) = (target(&long(2_048), "v1.0.0"), target(&long(2_049), "v1.0.0"));
    let version = format!("v1.0.0-{}", "9a".repeat(252));
    let fits_too = target(&long(2_047), &version);
    record(
        &*index,
        &[&fits, &too_long, &fits_too].map(|target| stored(target, FileKind::Zip, u64::MAX)),
    )
    .await;
    record(&*index, &[used(&fits_too, 4), used(&too_long, 4)]).await;
    assert_eq!(totals(&*index).await, [2, 2, 2, 2 * ((1 << 48) - 1)]);
    assert_eq!(get(&*index, &fits).await.zip, Some((1 << 48) - 1));
    assert_eq!(index.get(&too_long).await.expect("looks"), None);
    let entries = index.by_use(None, 10).await.expect("lists");
    assert_eq!(
        entries.iter().map(|entry| &entry.target).collect::<Vec<_>>(),
        [&fits_too, &fits]
    );
    let found = index.since(at(0), usize::MAX).await.expect("lists");
    assert_eq!(found.len(), 2);
}
