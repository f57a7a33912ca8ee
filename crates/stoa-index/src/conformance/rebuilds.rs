//! What rebuilds do.

use super::adapter::Adapter;
use super::examples::{catalog, found, get, listed, origin, record, removed, stored, target, totals, used};
use crate::{FileKind, IndexEvent, Stored};

pub(super) async fn run(adapter: &dyn Adapter) {
    what_was_not_found_goes(adapter).await;
    a_rebuild_that_dies_leaves_everything(adapter).await;
    two_at_once_do_no_harm(adapter).await;
    many_go_too(adapter).await;
}

async fn what_was_not_found_goes(adapter: &dyn Adapter) {
    let storage = adapter.storage().await;
    let (one, other) = (storage.open().await, storage.open().await);
    let all = ["v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0", "v1.4.0", "v1.5.0"]
        .map(|version| target("example.com/a", version));
    let [kept, gone, stays, new, unknown, got] = &all;
    let first = Stored {
        origin: Some(origin("x")),
        ..super::examples::bare(kept, FileKind::Zip, 5)
    };
    record(
        &*one,
        &[
            IndexEvent::Stored(first),
            stored(gone, FileKind::Zip, 5),
            stored(stays, FileKind::Zip, 5),
            stored(stays, FileKind::Mod, 5),
            stored(got, FileKind::Zip, 5),
        ],
    )
    .await;
    let before = get(&*one, kept).await;
    let rebuild = one.begin_rebuild().await.expect("begins");
    record(
        &*one,
        &[
            found(kept, FileKind::Zip, 5, 9),
            found(unknown, FileKind::Zip, 7, 9),
        ],
    )
    .await;
    // What happens meanwhile, on another node, was not seen by who looks through the files.
    record(
        &*other,
        &[
            stored(new, FileKind::Info, 5),
            removed(stays, FileKind::Mod),
            used(got, 12),
        ],
    )
    .await;
    assert!(!other.is_complete().await.expect("tells"));
    one.end_rebuild(rebuild).await.expect("ends");
    assert!(other.is_complete().await.expect("tells"));
    assert_eq!(
        catalog(&*other).await,
        [kept, stays, new, unknown, got].map(ToString::to_string)
    );
    assert_eq!(get(&*other, kept).await, before, "nothing that was known is lost");
    assert_eq!(
        listed(&*other).await,
        [kept, stays, got, unknown, new].map(ToString::to_string)
    );
    assert_eq!(totals(&*other).await, [1, 5, 5, 27]);
    one.end_rebuild(rebuild).await.expect("ends once more");
    assert_eq!(totals(&*other).await, [1, 5, 5, 27]);
}

async fn a_rebuild_that_dies_leaves_everything(adapter: &dyn Adapter) {
    let index = adapter.storage().await.open().await;
    let a = target("example.com/a", "v1.0.0");
    record(&*index, &[stored(&a, FileKind::Zip, 5)]).await;
    let first = index.begin_rebuild().await.expect("begins");
    record(&*index, &[found(&a, FileKind::Zip, 5, 9)]).await;
    index.end_rebuild(first).await.expect("ends");
    assert!(index.is_complete().await.expect("tells"));
    let second = index.begin_rebuild().await.expect("begins");
    assert!(second > first);
    assert!(!index.is_complete().await.expect("tells"), "it has not ended");
    assert_eq!(
        catalog(&*index).await,
        [a.to_string()],
        "it can be used all the same"
    );
    let third = index.begin_rebuild().await.expect("begins");
    record(&*index, &[found(&a, FileKind::Zip, 5, 9)]).await;
    index.end_rebuild(third).await.expect("ends");
    assert!(index.is_complete().await.expect("tells"));
    assert_eq!(catalog(&*index).await, [a.to_string()]);
}

async fn two_at_once_do_no_harm(adapter: &dyn Adapter) {
    let storage = adapter.storage().await;
    let (one, other) = (storage.open().await, storage.open().await);
    let all = ["v1.0.0", "v1.1.0", "v1.2.0"].map(|version| target("example.com/a", version));
    for target in &all {
        record(&*one, &[stored(target, FileKind::Zip, 5)]).await;
    }
    let file = |number: usize| found(&all[number], FileKind::Zip, 5, 9);
    let first = one.begin_rebuild().await.expect("begins");
    record(&*one, &[file(0)]).await;
    let second = other.begin_rebuild().await.expect("begins");
    record(&*other, &[file(0)]).await;
    record(&*one, &[file(1)]).await;
    one.end_rebuild(first).await.expect("ends");
    assert_eq!(catalog(&*one).await, [&all[0], &all[1]].map(ToString::to_string));
    record(&*other, &[file(1)]).await;
    other.end_rebuild(second).await.expect("ends");
    assert_eq!(catalog(&*one).await, [&all[0], &all[1]].map(ToString::to_string));
    assert_eq!(totals(&*one).await, [1, 2, 2, 10]);
}

async fn many_go_too(adapter: &dyn Adapter) {
    const VERSIONS: usize = 2_300;
    let index = adapter.storage().await.open().await;
    let all: Vec<_> = (0..VERSIONS)
        .map(|number| target(&format!("example.com/{}", number % 7), &format!("v1.{number}.0")))
        .collect();
    for part in all.chunks(1_000) {
        let events: Vec<_> = part
            .iter()
            .map(|target| stored(target, FileKind::Zip, 1))
            .collect();
        record(&*index, &events).await;
    }
    assert_eq!(totals(&*index).await, [7, 2_300, 2_300, 2_300]);
    let rebuild = index.begin_rebuild().await.expect("begins");
    let events: Vec<_> = all
        .iter()
        .step_by(100)
        .map(|target| found(target, FileKind::Zip, 1, 5))
        .collect();
    record(&*index, &events).await;
    index.end_rebuild(rebuild).await.expect("ends");
    assert_eq!(totals(&*index).await, [7, 23, 23, 23]);
    let left = listed(&*index).await;
    let expected: Vec<_> = all.iter().step_by(100).map(ToString::to_string).collect();
    assert_eq!(left, expected, "in the order in which they came");
}
