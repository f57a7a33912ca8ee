//! `[cache]`.

use stoa_config::{
    Key, Reader, Section, Table,
    values::{ByteSize, duration},
};
use stoa_proxy::RevalidationOptions;

const LIST_TTL: Key = Key::new(
    "list_ttl",
    "60s",
    "how long list, @latest and branch queries are fresh",
)
.at_run_time();
const STALE_TTL: Key = Key::new(
    "stale_ttl",
    "10m",
    "how much longer they are given out at once while they are being refreshed",
)
.at_run_time();
const NEGATIVE_TTL: Key = Key::new(
    "negative_ttl",
    "30s",
    "how long \"not found\" is remembered; also the pause after a failed refresh",
)
.at_run_time();
const ANSWERS: Key = Key::new("answers", "16MiB", "memory for lists, queries and \"not found\"");
const MEMORY: Key = Key::new(
    "memory",
    "64MiB",
    "memory for hot files up to 2 MiB; 0 switches it off",
);

const CACHE: Table = Table::once("cache", &[LIST_TTL, STALE_TTL, NEGATIVE_TTL, ANSWERS, MEMORY]);

/// What is remembered, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct CacheConfig {
    pub(crate) revalidation: RevalidationOptions,
    /// For hot files, in bytes.
    pub(crate) memory: u64,
}

impl Section for CacheConfig {
    const TABLES: &'static [Table] = &[CACHE];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut cache = reader.once(&CACHE);
        let list_ttl = cache.value(&LIST_TTL, duration);
        let stale_ttl = cache.value(&STALE_TTL, duration);
        let negative_ttl = cache.value(&NEGATIVE_TTL, duration);
        let capacity = cache.value(&ANSWERS, str::parse::<ByteSize>);
        let memory = cache.value(&MEMORY, str::parse::<ByteSize>);
        Some(Self {
            revalidation: RevalidationOptions {
                list_ttl: list_ttl?,
                stale_ttl: stale_ttl?,
                negative_ttl: negative_ttl?,
                capacity: capacity?.0,
            },
            memory: memory?.0,
        })
    }
}
