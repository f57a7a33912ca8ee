//! Ages and bounds of a cache.

use std::{
    hash::{Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use stoa_cache::{Aged, Cache, CacheOptions, Equivalent, Weigh};
use tokio::time::advance;

const SECOND: Duration = Duration::from_secs(1);

fn cache(capacity: u64) -> Cache<String, String> {
    Cache::new(CacheOptions::new(capacity))
}

fn put(cache: &Cache<String, String>, key: &str, value: &str) {
    cache.put(key.to_owned(), value.to_owned());
}

#[tokio::test(start_paused = true)]
async fn values_have_the_age_since_they_were_put() {
    let cache = cache(1 << 20);
    assert_eq!(cache.get("k"), None);
    put(&cache, "k", "old");
    advance(5 * SECOND).await;
    let (value, age) = ("old".to_owned(), 5 * SECOND);
    assert_eq!(cache.get("k"), Some(Aged { value, age }));
    put(&cache, "k", "new");
    advance(SECOND).await;
    let (value, age) = ("new".to_owned(), SECOND);
    assert_eq!(cache.get("k"), Some(Aged { value, age }));
    assert_eq!(cache.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn fresh_is_what_is_younger_than_the_ttl_and_the_rest_stays() {
    let cache = cache(1 << 20);
    put(&cache, "k", "v");
    assert_eq!(cache.fresh("k", Duration::ZERO), None);
    advance(5 * SECOND).await;
    assert_eq!(cache.fresh("k", 5 * SECOND), None);
    assert_eq!(cache.fresh("k", 6 * SECOND).as_deref(), Some("v"));
    assert_eq!(cache.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_given_out_at_the_maximum_age() {
    let cache: Cache<String, String> = Cache::new(CacheOptions::new(1 << 20).max_age(10 * SECOND));
    put(&cache, "k", "v");
    advance(Duration::from_nanos(9_999_999_999)).await;
    assert!(cache.get("k").is_some());
    advance(Duration::from_nanos(1)).await;
    assert_eq!(cache.len(), 1, "nothing has met it yet");
    assert_eq!(cache.fresh("k", 100 * SECOND), None);
    assert_eq!((cache.len(), cache.weight()), (0, 0), "it was met");

    put(&cache, "k", "v");
    advance(10 * SECOND).await;
    assert_eq!(cache.remove("k"), None);
    assert!(cache.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_entry_may_have_a_lifetime_of_its_own() {
    let cache: Cache<String, u8> = Cache::new(CacheOptions::new(1 << 20).max_age(10 * SECOND));
    cache.put_for("short".to_owned(), 1, SECOND);
    cache.put_for("long".to_owned(), 2, 20 * SECOND);
    cache.put_for("longest".to_owned(), 3, Duration::MAX);
    advance(SECOND).await;
    assert_eq!(cache.get("short"), None);
    assert!(cache.get("long").is_some());
    advance(9 * SECOND).await;
    assert_eq!((cache.get("long"), cache.get("longest")), (None, None));

    cache.put("k".to_owned(), 1);
    cache.put_for("k".to_owned(), 2, Duration::ZERO);
    assert_eq!(cache.get("k"), None, "what it replaces goes as well");

    let forever: Cache<String, u8> = Cache::new(CacheOptions::new(1 << 20));
    forever.put_for("k".to_owned(), 1, Duration::MAX);
    advance(1_000_000 * SECOND).await;
    assert!(forever.get("k").is_some());
}

#[tokio::test(start_paused = true)]
async fn sweep_takes_out_what_has_expired_and_nothing_else() {
    let cache: Cache<u32, u32> = Cache::new(CacheOptions::new(1 << 20));
    for i in 0..100 {
        cache.put_for(i, i, SECOND * (1 + i % 2));
    }
    advance(SECOND).await;
    assert_eq!(cache.len(), 100);
    cache.sweep();
    assert_eq!(cache.len(), 50);
    assert_eq!(cache.get(&1).map(|found| found.value), Some(1));
    advance(SECOND).await;
    cache.sweep();
    assert_eq!((cache.len(), cache.weight()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn retain_keeps_what_it_is_told_to_and_what_has_not_expired() {
    let cache: Cache<u32, u32> = Cache::new(CacheOptions::new(1 << 20));
    cache.put_for(2, 0, SECOND);
    cache.put(4, 0);
    cache.put(5, 0);
    advance(SECOND).await;
    cache.retain(|key, _| key % 2 == 0);
    assert_eq!(cache.len(), 1);
    assert!(cache.get(&4).is_some());
}

#[test]
fn removed_and_cleared_entries_weigh_nothing() {
    let cache = cache(1 << 20);
    put(&cache, "a", "1");
    put(&cache, "b", "2");
    let weight = cache.weight();
    assert_eq!(cache.remove("a").as_deref(), Some("1"));
    assert_eq!(cache.remove("a"), None);
    assert_eq!(cache.weight(), weight / 2);
    cache.clear();
    assert_eq!((cache.len(), cache.weight()), (0, 0));
    assert_eq!(cache.get("b"), None);
}

#[test]
fn an_entry_weighs_its_key_its_value_and_its_bookkeeping() {
    let cache: Cache<Box<str>, Bytes> = Cache::new(CacheOptions::new(1 << 20));
    cache.put("".into(), Bytes::new());
    let bookkeeping = cache.weight();
    cache.clear();
    cache.put("12345".into(), Bytes::from(vec![0; 1000]));
    assert_eq!(cache.weight(), bookkeeping + 5 + 24 + 1000);
    cache.put("12345".into(), Bytes::from(vec![0; 2000]));
    assert_eq!(cache.weight(), bookkeeping + 5 + 24 + 2000);
}

#[test]
fn the_weight_stays_within_the_capacity() {
    for capacity in [1000, 100_000, 2 << 20] {
        let cache: Cache<String, Vec<u8>> = Cache::new(CacheOptions::new(capacity));
        assert!(cache.capacity() <= capacity && cache.capacity() + 64 > capacity);
        for i in 0..5000_usize {
            cache.put(format!("key {i}"), vec![0; i % 777]);
            assert!(cache.weight() <= cache.capacity());
        }
        assert!(cache.weight() > capacity / 100 * 40, "it is used: {cache:?}");
    }
}

#[test]
fn what_is_too_heavy_is_not_kept_and_neither_is_what_it_would_replace() {
    let cache: Cache<String, Vec<u8>> = Cache::new(CacheOptions::new(10_000));
    cache.put("other".to_owned(), vec![0; 10]);
    cache.put("k".to_owned(), vec![0; 1000]);
    cache.put("k".to_owned(), vec![0; 10_000]);
    assert_eq!(cache.get("k"), None);
    assert!(cache.get("other").is_some(), "nothing was evicted for it");
    let room = usize::try_from(cache.largest()).expect("small");
    cache.put("k".to_owned(), vec![0; room - 300]);
    assert!(cache.get("k").is_some());
}

#[test]
fn the_largest_entry_fits_into_every_part() {
    let cache: Cache<u32, Vec<u8>> = Cache::new(CacheOptions::new(64 << 20).largest(2 << 20));
    assert!(cache.largest() >= 2 << 20);
    for key in 0..8 {
        cache.put(key, vec![0; (2 << 20) - 1000]);
    }
    assert_eq!(cache.len(), 8);
}

#[test]
fn no_capacity_and_no_age_keep_nothing() {
    let none: Cache<String, String> = Cache::new(CacheOptions::new(0));
    let ageless: Cache<String, String> = Cache::new(CacheOptions::new(1 << 20).max_age(Duration::ZERO));
    for cache in [none, ageless] {
        put(&cache, "k", "v");
        assert_eq!(cache.get("k"), None);
        assert_eq!((cache.len(), cache.weight()), (0, 0));
    }
}

#[test]
fn the_newest_entry_of_a_full_cache_is_kept() {
    let cache = cache(1000);
    for i in 0..100 {
        let key = format!("key {i}");
        put(&cache, &key, "v");
        assert!(cache.get(&key).is_some(), "{key}");
        assert!(cache.len() <= 5);
    }
}

#[test]
fn what_is_asked_for_survives_what_is_put_once() {
    let cache: Cache<u32, [u8; 32]> = Cache::new(CacheOptions::new(100_000));
    cache.put(0, [0; 32]);
    for key in 1..10_000 {
        cache.put(key, [0; 32]);
        assert!(cache.get(&0).is_some(), "after {key}");
    }
}

#[test]
fn types_of_others_are_weighed_by_a_function() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Foreign(String);
    let options = CacheOptions::new(1 << 20);
    let weighed = Cache::<Foreign, u8>::weighed_by(options, |key, _| key.0.capacity());
    let weighing: Cache<String, u8> = Cache::new(options);
    weighed.put(Foreign("12345".to_owned()), 1);
    weighing.put("12345".to_owned(), 1);
    assert_eq!(weighed.weight(), weighing.weight());
}

#[test]
fn keys_of_several_parts_are_looked_up_by_borrowed_parts() {
    #[derive(Hash)]
    struct Parts<'a>(u8, &'a str);
    impl Equivalent<(u8, String)> for Parts<'_> {
        fn equivalent(&self, key: &(u8, String)) -> bool {
            self.0 == key.0 && self.1 == key.1
        }
    }
    let cache: Cache<(u8, String), u8> = Cache::new(CacheOptions::new(1 << 20));
    cache.put((1, "a".to_owned()), 7);
    assert_eq!(cache.get(&Parts(1, "a")).map(|found| found.value), Some(7));
    assert_eq!(cache.get(&Parts(2, "a")), None);
}

#[test]
fn the_weight_of_an_entry_is_taken_once() {
    #[derive(Clone)]
    struct Restless(Arc<AtomicUsize>);
    impl Weigh for Restless {
        fn heap_size(&self) -> usize {
            self.0.fetch_add(1, Ordering::Relaxed)
        }
    }
    let weighed = Arc::new(AtomicUsize::new(0));
    let cache: Cache<u8, Restless> = Cache::new(CacheOptions::new(1000));
    for key in 0..100 {
        cache.put(key, Restless(Arc::clone(&weighed)));
    }
    assert_eq!(weighed.load(Ordering::Relaxed), 100);
    cache.retain(|_, _| false);
    assert_eq!(cache.weight(), 0);
}

/// A key whose hash is always the same: lookups depend on equality alone.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Colliding(u32);

impl Hash for Colliding {
    fn hash<H: Hasher>(&self, state: &mut H) {
        0_u8.hash(state);
    }
}

#[test]
fn keys_with_one_hash_are_kept_apart() {
    let cache = Cache::<Colliding, u32>::weighed_by(CacheOptions::new(1 << 20), |_, _| 0);
    for i in 0..50 {
        cache.put(Colliding(i), i);
    }
    for i in 0..50 {
        assert_eq!(cache.get(&Colliding(i)).map(|found| found.value), Some(i));
    }
}

#[test]
fn threads_share_a_cache() {
    let cache: Cache<usize, usize> = Cache::new(CacheOptions::new(50_000));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let cache = &cache;
            scope.spawn(move || {
                for i in 0..20_000 {
                    let key = (i * 7 + thread) % 500;
                    match i % 5 {
                        0 => cache.put(key, key),
                        1 => cache.put_for(key, key, Duration::from_nanos(1)),
                        2 if i % 25 == 2 => drop(cache.remove(&key)),
                        3 if i % 1000 == 3 => cache.sweep(),
                        _ => assert!(cache.get(&key).is_none_or(|found| found.value == key)),
                    }
                }
            });
        }
    });
    assert!(cache.weight() <= 50_000);
    cache.retain(|_, _| false);
    assert_eq!((cache.len(), cache.weight()), (0, 0));
}
