//! What a cache really allocates, measured. One test: others beside it would be measured, too.

use std::{alloc::System, sync::Arc, time::Duration};

use bytes::Bytes;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use stoa_cache::{Cache, CacheOptions};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that `work` allocated and did not free.
fn held<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let region = Region::new(ALLOCATOR);
    let result = work();
    let change = region.change();
    let held = change.bytes_allocated - change.bytes_deallocated;
    (result, held as u64)
}

/// Puts `count` names into a cache of `capacity` and compares what it says with what it takes.
fn names(capacity: u64, count: usize) -> Cache<Box<str>, Arc<str>> {
    let (cache, held) = held(|| {
        let cache = Cache::<Box<str>, Arc<str>>::new(CacheOptions::new(capacity));
        for i in 0..count {
            cache.put(format!("example.com/m{i}").into(), "v1".into());
        }
        cache
    });
    let weight = cache.weight();
    assert!(
        held * 2 <= weight * 3,
        "{held} bytes are held at a weight of {weight}"
    );
    assert!(
        weight * 2 <= held * 3,
        "a weight of {weight} for {held} bytes wastes room"
    );
    assert!(held * 2 <= capacity * 3, "{held} bytes are held in {capacity}");
    cache
}

#[test]
fn the_bounds_hold_for_what_is_allocated_and_hits_allocate_nothing() {
    assert_eq!(names(16 << 20, 20_000).len(), 20_000, "all fit");
    for count in [1_000, 40_000, 66_000, 70_000, 100_000, 400_000] {
        names(16 << 20, count);
    }
    names(1 << 20, 100_000);

    // The smallest entries that there are.
    let ((), held_by_numbers) = held(|| {
        let cache = Cache::<u64, u64>::new(CacheOptions::new(4 << 20));
        (0..100_000).for_each(|i| cache.put(i, i));
        std::mem::forget(cache);
    });
    assert!(
        held_by_numbers * 2 <= (4 << 20) * 3,
        "{held_by_numbers} bytes are held"
    );

    // The map of many small entries stays when they make room for large ones.
    let (_cache, held_by_both) = held(|| {
        let cache = Cache::<Box<str>, Bytes>::new(CacheOptions::new(16 << 20));
        for i in 0..200_000 {
            cache.put(format!("example.com/m{i}").into(), Bytes::from_static(b"1"));
        }
        for i in 0..10_000 {
            let key = format!("large {i}");
            cache.put(key.as_str().into(), vec![0; 16 << 10].into());
            // What is asked for again takes the place of what was not.
            assert!(cache.get(key.as_str()).is_some());
        }
        assert!(cache.len() < 2000);
        cache
    });
    assert!(
        held_by_both * 2 <= (16 << 20) * 3,
        "{held_by_both} bytes are held"
    );

    let cache = names(1 << 20, 1000);
    let region = Region::new(ALLOCATOR);
    for _ in 0..100 {
        assert!(cache.get("example.com/m1").is_some());
        assert!(cache.fresh("example.com/m2", Duration::from_secs(1000)).is_some());
        assert!(cache.get("example.com/absent").is_none());
    }
    assert_eq!(region.change().allocations, 0);
    drop(cache);

    let ((), left) = held(|| drop(names(16 << 20, 20_000)));
    assert_eq!(left, 0, "a dropped cache leaves nothing");
}
