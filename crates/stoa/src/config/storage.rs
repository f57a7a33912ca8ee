//! `storage`.

use stoa_config::{Key, Reader, Section, Table};
use stoa_storage::StorageMode;

use super::values::without_secrets;

const URL: Key = Key::new(
    "storage",
    "",
    "where modules are kept: file:///DIR, a path, or memory:?max=1GiB (memory: has 512MiB, and is empty at each start); default: stoa in the user's data home",
);

const MODE: Key = Key::new(
    "storage_mode",
    "private",
    "who else on the machine may read what is stored from now on: private (nobody), group or world",
);

const STORAGE: Table = Table::once("", &[URL, MODE]);

/// Where modules are kept.
#[derive(Clone, Debug)]
pub(crate) struct StorageConfig {
    pub(crate) url: String,
    pub(crate) mode: StorageMode,
}

impl Section for StorageConfig {
    const TABLES: &'static [Table] = &[STORAGE];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let home = reader.given().data_home.as_ref();
        let parse = |text: &str| match (text, home) {
            ("", Some(home)) => Ok(format!("file://{}", home.join("stoa").display())),
            ("", None) => Err("HOME is not set: name a directory, such as file:///var/lib/stoa"),
            (text, _) => without_secrets(text, |_| false).map(|()| text.to_owned()),
        };
        let mut storage = reader.once(&STORAGE);
        let url = storage.value_shown(&URL, parse, |url, _| url.clone());
        let mode = storage.value(&MODE, str::parse);
        Some(Self {
            url: url?,
            mode: mode?,
        })
    }
}
