//! `[pool]`.

use stoa_config::{Key, Reader, Section, Table, values::bound};

const REQUESTS: Key = Key::new(
    "requests",
    "4096",
    "requests that may wait for a fetch at once, those for one module host three quarters of them; more are refused with 503",
);
const FETCHES: Key = Key::new(
    "fetches",
    "64",
    "answers that are read, checked and stored at once",
);
const CONNECTIONS: Key = Key::new("connections", "8192", "client connections at once; more wait");

const POOL: Table = Table::once("pool", &[REQUESTS, FETCHES, CONNECTIONS]);

/// How much goes on at once.
#[derive(Clone, Debug)]
pub(crate) struct PoolConfig {
    pub(crate) requests: usize,
    pub(crate) fetches: usize,
    pub(crate) connections: usize,
}

impl Section for PoolConfig {
    const TABLES: &'static [Table] = &[POOL];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut pool = reader.once(&POOL);
        let requests = pool.value(&REQUESTS, bound);
        let fetches = pool.value(&FETCHES, bound);
        let connections = pool.value(&CONNECTIONS, bound);
        Some(Self {
            requests: requests?,
            fetches: fetches?,
            connections: connections?,
        })
    }
}
