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
const CONNECTIONS: Key = Key::new(
    "connections",
    "",
    "client connections at once; more wait; default: 8192, or half of the open files that the system allows",
);
const CONNECTIONS_PER_ADDRESS: Key = Key::new(
    "connections_per_address",
    "",
    "connections of one client address at once; more are closed; default: a quarter of pool.connections",
);

const POOL: Table = Table::once("pool", &[REQUESTS, FETCHES, CONNECTIONS, CONNECTIONS_PER_ADDRESS]);

/// How much goes on at once.
#[derive(Clone, Debug)]
pub(crate) struct PoolConfig {
    pub(crate) requests: usize,
    pub(crate) fetches: usize,
    /// `None`: as many as the limit of open files allows.
    pub(crate) connections: Option<usize>,
    /// `None`: a share of `connections`.
    pub(crate) connections_per_address: Option<usize>,
}

impl Section for PoolConfig {
    const TABLES: &'static [Table] = &[POOL];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut pool = reader.once(&POOL);
        let requests = pool.value(&REQUESTS, bound);
        let fetches = pool.value(&FETCHES, bound);
        let connections = pool.value(&CONNECTIONS, or_default);
        let connections_per_address = pool.value(&CONNECTIONS_PER_ADDRESS, or_default);
        Some(Self {
            requests: requests?,
            fetches: fetches?,
            connections: connections?,
            connections_per_address: connections_per_address?,
        })
    }
}

/// A bound, or nothing for one that follows from others.
fn or_default(text: &str) -> Result<Option<usize>, String> {
    match text {
        "" => Ok(None),
        text => bound(text).map(Some),
    }
}
