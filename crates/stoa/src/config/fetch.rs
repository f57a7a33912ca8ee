//! `[fetch]`.

use stoa_config::{
    Key, Reader, Section, Table,
    values::{ByteSize, deadline},
};
use stoa_fetch::{Deadlines, Limits};
use stoa_module::zip::ZipLimits;

const CONNECT_TIMEOUT: Key = Key::new("connect_timeout", "10s", "to connect to an upstream");
const RESPONSE_TIMEOUT: Key = Key::new(
    "response_timeout",
    "60s",
    "for the head of an upstream's answer; anew for each retry and each redirect",
);
const IDLE_TIMEOUT: Key = Key::new(
    "idle_timeout",
    "30s",
    "between two pieces of an upstream's answer, or of a git server's",
);
const TOTAL_TIMEOUT: Key = Key::new(
    "total_timeout",
    "15m",
    "for one whole transfer, redirects, retries and waiting included",
);
const MAX_LIST: Key = Key::new("max_list", "1MiB", "largest list of versions");
const MAX_ZIP: Key = Key::new("max_zip", "500MiB", "largest zip, packed and unpacked");

const FETCH: Table = Table::once(
    "fetch",
    &[
        CONNECT_TIMEOUT,
        RESPONSE_TIMEOUT,
        IDLE_TIMEOUT,
        TOTAL_TIMEOUT,
        MAX_LIST,
        MAX_ZIP,
    ],
);

/// A size that lets something through.
fn some(text: &str) -> Result<ByteSize, String> {
    match text.parse()? {
        ByteSize(0) => Err("must be more than zero".to_owned()),
        size => Ok(size),
    }
}

/// How long and how large a transfer may be.
#[derive(Clone, Debug)]
pub(crate) struct FetchConfig {
    pub(crate) deadlines: Deadlines,
    pub(crate) limits: Limits,
    pub(crate) zip_limits: ZipLimits,
}

impl Section for FetchConfig {
    const TABLES: &'static [Table] = &[FETCH];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut fetch = reader.once(&FETCH);
        let connect = fetch.value(&CONNECT_TIMEOUT, deadline);
        let response = fetch.value(&RESPONSE_TIMEOUT, deadline);
        let idle = fetch.value(&IDLE_TIMEOUT, deadline);
        let total = fetch.value(&TOTAL_TIMEOUT, deadline);
        let max_list = fetch.value(&MAX_LIST, some);
        let max_zip = fetch.value(&MAX_ZIP, some)?.0;
        Some(Self {
            deadlines: Deadlines {
                connect: connect?,
                response: response?,
                idle: idle?,
                total: total?,
            },
            limits: Limits {
                list: max_list?.0,
                zip: max_zip,
                ..Limits::default()
            },
            zip_limits: ZipLimits {
                archive_bytes: max_zip,
                uncompressed_bytes: max_zip,
                ..ZipLimits::default()
            },
        })
    }
}
