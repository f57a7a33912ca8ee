//! `listen` and `path_prefix`.

use stoa_config::{Key, Reader, Section, Table};
use stoa_server::{Listen, PathPrefix};

const LISTEN: Key = Key::new(
    "listen",
    "127.0.0.1:3000",
    "where to listen: HOST:PORT, :PORT (all addresses) or unix:PATH",
);
const PATH_PREFIX: Key = Key::new("path_prefix", "", "serve below this path too, such as /go");

const EDGE: Table = Table::once("", &[LISTEN, PATH_PREFIX]);

/// Where requests come in.
#[derive(Clone, Debug)]
pub(crate) struct EdgeConfig {
    pub(crate) listen: Listen,
    pub(crate) prefix: PathPrefix,
}

impl Section for EdgeConfig {
    const TABLES: &'static [Table] = &[EDGE];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut edge = reader.once(&EDGE);
        let listen = edge.value(&LISTEN, str::parse);
        let prefix = edge.value(&PATH_PREFIX, str::parse);
        Some(Self {
            listen: listen?,
            prefix: prefix?,
        })
    }
}
