//! What pages show, and how they go on.

use super::adapter::Adapter;
use super::examples::{at, catalog, found, module, record, removed, stored, target, used};
use crate::{EntryFilter, FileKind, Index, IndexEntry, Timestamp};

pub(super) async fn run(adapter: &dyn Adapter) {
    the_catalog_is_in_the_order_of_texts(adapter).await;
    pages_go_on_after_what_is_gone(adapter).await;
    entries_are_of_one_module_or_of_a_prefix(adapter).await;
    the_least_recently_used_come_first(adapter).await;
    modules_are_summed(adapter).await;
    the_order_of_coming_goes_on_page_by_page(adapter).await;
    no_limit_is_none(adapter).await;
}

/// In the order of texts.
const SORTED: [(&str, &str); 8] = [
    ("example.com/A", "v1.0.0"),
    ("example.com/a", "v1.0.0"),
    ("example.com/a", "v1.10.0"),
    ("example.com/a", "v1.2.0"),
    ("example.com/a", "v1.2.0-Rc"),
    ("example.com/a", "v1.2.0-rc"),
    ("example.com/a-b", "v1.0.0"),
    ("example.com/a/b", "v1.0.0"),
];

fn sorted() -> Vec<stoa_module::ModuleVersion> {
    SORTED
        .iter()
        .map(|(module, version)| target(module, version))
        .collect()
}

async fn filled(adapter: &dyn Adapter) -> std::sync::Arc<dyn Index> {
    let index = adapter.storage().await.open().await;
    let mut events: Vec<_> = sorted()
        .iter()
        .map(|target| stored(target, FileKind::Zip, 3))
        .collect();
    events.reverse();
    record(&*index, &events).await;
    index
}

fn texts(entries: &[IndexEntry]) -> Vec<String> {
    entries.iter().map(|entry| entry.target.to_string()).collect()
}

async fn the_catalog_is_in_the_order_of_texts(adapter: &dyn Adapter) {
    let index = filled(adapter).await;
    let expected: Vec<_> = sorted().iter().map(ToString::to_string).collect();
    assert_eq!(catalog(&*index).await, expected);
    for limit in 1..4 {
        let mut seen = vec![];
        let mut after = None;
        loop {
            let page = index.catalog(after.as_ref(), limit).await.expect("lists");
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            seen.extend(page.iter().map(ToString::to_string));
        }
        assert_eq!(seen, expected, "by pages of {limit}");
    }
}

async fn pages_go_on_after_what_is_gone(adapter: &dyn Adapter) {
    let index = filled(adapter).await;
    let all = sorted();
    let page = index.catalog(None, 3).await.expect("lists");
    assert_eq!(page, all[..3]);
    record(
        &*index,
        &[removed(&all[2], FileKind::Zip), removed(&all[3], FileKind::Zip)],
    )
    .await;
    assert_eq!(index.catalog(page.last(), 2).await.expect("lists"), all[4..6]);
    // It need never have been there.
    let between = target("example.com/a", "v1.11.0");
    assert_eq!(
        index.catalog(Some(&between), 2).await.expect("lists"),
        all[3 + 1..6]
    );
}

async fn entries_are_of_one_module_or_of_a_prefix(adapter: &dyn Adapter) {
    let index = filled(adapter).await;
    let all = sorted();
    let entries = async |filter: EntryFilter, after: Option<usize>| {
        let after = after.map(|number| &all[number]);
        texts(&index.entries(&filter, after, 100).await.expect("lists"))
    };
    let expected =
        |range: std::ops::Range<usize>| -> Vec<_> { all[range].iter().map(ToString::to_string).collect() };
    let one = EntryFilter::Module(module("example.com/a"));
    assert_eq!(entries(one.clone(), None).await, expected(1..6));
    assert_eq!(entries(one.clone(), Some(0)).await, expected(1..6));
    assert_eq!(entries(one.clone(), Some(2)).await, expected(3..6));
    assert_eq!(entries(one, Some(6)).await, expected(0..0));
    let prefix = |text: &str| EntryFilter::Prefix(text.into());
    assert_eq!(entries(prefix("example.com/a"), None).await, expected(1..8));
    assert_eq!(entries(prefix("example.com/a"), Some(5)).await, expected(6..8));
    assert_eq!(entries(prefix("example.com/a-"), None).await, expected(6..7));
    assert_eq!(entries(prefix(""), None).await, expected(0..8));
    assert_eq!(entries(EntryFilter::All, Some(0)).await, expected(1..8));
    for odd in [
        "example.com/%",
        "example.com/_",
        "ä",
        "a\0",
        "example.com/a\u{10ffff}",
        &"x".repeat(9_000),
    ] {
        assert_eq!(entries(prefix(odd), None).await, expected(0..0), "{odd:?}");
        assert_eq!(index.modules(odd, None, 9).await.expect("lists"), [], "{odd:?}");
    }
    let page = index
        .entries(&prefix("example.com/a"), Some(&all[1]), 2)
        .await
        .expect("lists");
    assert_eq!(texts(&page), expected(2..4));
    assert_eq!((page[0].zip, page[0].info), (Some(3), None));
}

async fn the_least_recently_used_come_first(adapter: &dyn Adapter) {
    let index = adapter.storage().await.open().await;
    let all = sorted();
    let times = [50, 20, 20, 20, 90, 10, 20, 60];
    let events: Vec<_> = all
        .iter()
        .zip(times)
        .map(|(target, time)| found(target, FileKind::Zip, 1, time))
        .collect();
    record(&*index, &events).await;
    // Used after it was seen, or long before, as somebody says.
    record(&*index, &[used(&all[5], 70), used(&all[0], 15)]).await;
    let expected: Vec<_> = [0, 1, 2, 3, 6, 7, 5, 4]
        .map(|number: usize| all[number].to_string())
        .into();
    assert_eq!(texts(&index.by_use(None, 100).await.expect("lists")), expected);
    for limit in 1..4 {
        let mut seen = vec![];
        let mut after = None;
        loop {
            let page = index.by_use(after.as_ref(), limit).await.expect("lists");
            let Some(last) = page.last() else { break };
            after = Some(last.use_cursor());
            seen.extend(texts(&page));
        }
        assert_eq!(seen, expected, "by pages of {limit}");
    }
    let first = &index.by_use(None, 1).await.expect("lists")[0];
    assert_eq!((first.used(), first.first_seen), (at(15), at(50)));
}

async fn modules_are_summed(adapter: &dyn Adapter) {
    let index = filled(adapter).await;
    record(
        &*index,
        &[used(&sorted()[4], 9), stored(&sorted()[4], FileKind::Mod, 5)],
    )
    .await;
    let modules = index.modules("example.com/", None, 100).await.expect("lists");
    let texts: Vec<_> = modules
        .iter()
        .map(|totals| (totals.module.as_str(), totals.versions, totals.bytes))
        .collect();
    let expected = [
        ("example.com/A", 1, 3),
        ("example.com/a", 5, 20),
        ("example.com/a-b", 1, 3),
        ("example.com/a/b", 1, 3),
    ];
    assert_eq!(texts, expected);
    assert_eq!(
        modules.iter().map(|totals| totals.last_use).collect::<Vec<_>>(),
        [None, Some(at(9)), None, None]
    );
    let page = index
        .modules("example.com/a", Some(&module("example.com/a")), 1)
        .await
        .expect("lists");
    assert_eq!(page, modules[2..3]);
    let page = index
        .modules("example.com/a-", Some(&module("example.com/A")), 9)
        .await
        .expect("lists");
    assert_eq!(page, modules[2..3]);
    assert_eq!(
        index
            .modules("example.com/a-", Some(&module("example.com/a/b")), 9)
            .await
            .expect("lists"),
        []
    );
}

async fn the_order_of_coming_goes_on_page_by_page(adapter: &dyn Adapter) {
    let index = filled(adapter).await;
    let mut since = Timestamp::ZERO;
    let mut seen: Vec<String> = vec![];
    loop {
        let page = index.since(since, 3).await.expect("lists");
        let new: Vec<_> = page.iter().skip(usize::from(!seen.is_empty())).collect();
        assert!(
            seen.is_empty() || page[0].at == since,
            "it begins with the moment itself"
        );
        seen.extend(new.iter().map(|listed| listed.target.to_string()));
        since = page.last().expect("not empty").at;
        if new.is_empty() {
            break;
        }
    }
    let expected: Vec<_> = sorted().iter().rev().map(ToString::to_string).collect();
    assert_eq!(seen, expected);
}

async fn no_limit_is_none(adapter: &dyn Adapter) {
    let index = filled(adapter).await;
    assert_eq!(index.since(at(0), 0).await.expect("lists"), []);
    assert_eq!(index.catalog(None, 0).await.expect("lists"), []);
    assert_eq!(index.by_use(None, 0).await.expect("lists"), []);
    assert_eq!(index.modules("", None, 0).await.expect("lists"), []);
    assert_eq!(
        index.entries(&EntryFilter::All, None, 0).await.expect("lists"),
        []
    );
    assert_eq!(index.catalog(None, usize::MAX).await.expect("lists").len(), 8);
}
