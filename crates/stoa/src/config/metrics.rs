//! `[metrics]`.

use stoa_config::{Key, Reader, Section, Table, values::boolean};

const PUBLIC: Key = Key::new(
    "public",
    "false",
    "whether /metrics, which names the hosts that are asked, is shown without the admin token",
);

const METRICS: Table = Table::once("metrics", &[PUBLIC]);

/// Who sees `/metrics`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MetricsConfig {
    /// Everybody, and not only who knows the admin token.
    pub(crate) public: bool,
}

impl Section for MetricsConfig {
    const TABLES: &'static [Table] = &[METRICS];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let public = reader.once(&METRICS).value(&PUBLIC, boolean);
        Some(Self { public: public? })
    }
}
