//! `listen`, `path_prefix`, who is answered there, and `[edge]`.

use std::{fmt, str::FromStr, time::Duration};

use stoa_config::{
    Key, Reader, Section, Table,
    values::{ByteSize, bound, deadline},
};
use stoa_server::{ConnectionLimits, HostPattern, Listen, Network, PathPrefix};

const LISTEN: Key = Key::new(
    "listen",
    "127.0.0.1:3000",
    "where to listen: HOST:PORT, :PORT (all IPv4 addresses; [::]:PORT has those of IPv6 too) or unix:PATH",
);
const PATH_PREFIX: Key = Key::new("path_prefix", "", "serve below this path too, such as /go");
const ALLOWED_HOSTS: Key = Key::new(
    "allowed_hosts",
    "",
    "host names that are answered: NAME, *.NAME or *; default: any, but on a loopback address only loopback names",
)
.list();
const TRUSTED_PROXIES: Key = Key::new(
    "trusted_proxies",
    "127.0.0.0/8,::1",
    "addresses of reverse proxies, such as 10.0.0.0/8: pool.connections_per_address does not hold them",
)
.list();

const EDGE: Table = Table::once("", &[LISTEN, PATH_PREFIX, ALLOWED_HOSTS, TRUSTED_PROXIES]);

const HANDSHAKE_TIMEOUT: Key = Key::new(
    "handshake_timeout",
    "10s",
    "for a client's TLS handshake and the first bytes of its connection",
);
const IDLE_TIMEOUT: Key = Key::new(
    "idle_timeout",
    "90s",
    "how long a connection without a request stays open; a request head may take as long",
);
const WRITE_TIMEOUT: Key = Key::new(
    "write_timeout",
    "60s",
    "how long a client may read nothing of an answer; a slow one is never cut",
);
const STREAMS: Key = Key::new("streams", "100", "requests at once on one HTTP/2 connection");
const READ_AHEAD: Key = Key::new(
    "read_ahead",
    "64MiB",
    "memory for what has been read of files and not been sent, all clients together",
);

const CONNECTIONS: Table = Table::once(
    "edge",
    &[
        HANDSHAKE_TIMEOUT,
        IDLE_TIMEOUT,
        WRITE_TIMEOUT,
        STREAMS,
        READ_AHEAD,
    ],
);

/// Where requests come in.
#[derive(Clone, Debug)]
pub(crate) struct EdgeConfig {
    pub(crate) listen: Listen,
    pub(crate) prefix: PathPrefix,
    /// The names that are answered; none is the default of the listener.
    pub(crate) allowed_hosts: Vec<HostPattern>,
    /// Whose connections are not counted against the share of one address.
    pub(crate) trusted_proxies: Vec<Network>,
    pub(crate) limits: ConnectionLimits,
    /// In bytes.
    pub(crate) read_ahead: u64,
}

impl Section for EdgeConfig {
    const TABLES: &'static [Table] = &[EDGE, CONNECTIONS];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut edge = reader.once(&EDGE);
        let listen = edge.value(&LISTEN, str::parse);
        let prefix = edge.value(&PATH_PREFIX, str::parse);
        let allowed_hosts = edge.value_shown(&ALLOWED_HOSTS, list, shown);
        let trusted_proxies = edge.value_shown(&TRUSTED_PROXIES, list, shown);
        let mut connections = reader.once(&CONNECTIONS);
        let handshake_timeout: Option<Duration> = connections.value(&HANDSHAKE_TIMEOUT, deadline);
        let idle_timeout = connections.value(&IDLE_TIMEOUT, deadline);
        let write_timeout = connections.value(&WRITE_TIMEOUT, deadline);
        let streams = connections.value(&STREAMS, bound);
        let read_ahead = connections.value(&READ_AHEAD, str::parse::<ByteSize>);
        Some(Self {
            listen: listen?,
            prefix: prefix?,
            allowed_hosts: allowed_hosts?,
            trusted_proxies: trusted_proxies?,
            limits: ConnectionLimits {
                handshake_timeout: handshake_timeout?,
                idle_timeout: idle_timeout?,
                write_timeout: write_timeout?,
                streams: u32::try_from(streams?).unwrap_or(u32::MAX),
            },
            read_ahead: read_ahead?.0,
        })
    }
}

/// Values with commas between them.
fn list<T>(text: &str) -> Result<Vec<T>, T::Err>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    let entries = text.split(',').map(str::trim);
    entries
        .filter(|entry| !entry.is_empty())
        .map(str::parse)
        .collect()
}

/// The list as it is read back.
#[expect(clippy::ptr_arg, reason = "it shows the value that was read")]
fn shown<T: fmt::Display>(list: &Vec<T>, _written: &str) -> String {
    let shown: Vec<_> = list.iter().map(T::to_string).collect();
    shown.join(",")
}
