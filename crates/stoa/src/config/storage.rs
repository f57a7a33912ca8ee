//! `storage`.

use stoa_config::{Key, Reader, Section, Table};

use super::values::without_secrets;

const URL: Key = Key::new(
    "storage",
    "",
    "where modules are kept: file:///DIR, a path, or memory:; default: stoa in the user's data home",
);

const STORAGE: Table = Table::once("", &[URL]);

/// Where modules are kept.
#[derive(Clone, Debug)]
pub(crate) struct StorageConfig {
    pub(crate) url: String,
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
        Some(Self { url: url? })
    }
}
