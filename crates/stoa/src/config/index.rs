//! `[index]`.

use std::{path::PathBuf, str::FromStr, time::Duration};

use stoa_config::{
    HIDDEN, Key, Reader, Section, Table,
    values::{boolean, deadline, path},
};
use stoa_index::DatabaseAddress;

use super::private_file::private_file;

const STORE: Key = Key::new(
    "store",
    "file:",
    "where the index of what is stored is kept: file: (in the storage, or beside the default one), file:///FILE, postgres://USER@HOST/DATABASE or \
     mysql://USER@HOST/DATABASE for several servers with one storage, memory:, or none",
)
.secret();
const PASSWORD_FILE: Key = Key::new("password_file", "", "file with the password of that database");
const CA: Key = Key::new(
    "ca",
    "",
    "file with the certificates (PEM) that vouch for that database; default: those of the system",
);
const TIMEOUT: Key = Key::new("timeout", "10s", "how long that database may take to answer");

const PUBLIC: Key = Key::new(
    "public",
    "true",
    "whether everybody may see /index and /catalog, which name all modules, private ones too; false: who has the admin token",
);

const TABLE: Table = Table::once("index", &[STORE, PASSWORD_FILE, CA, TIMEOUT, PUBLIC]);

/// Where it is written down what is stored.
#[derive(Clone, Debug)]
pub(crate) struct IndexConfig {
    pub(crate) store: IndexStore,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) timeout: Duration,
    /// Whether everybody may see what it says.
    pub(crate) public: bool,
}

/// The value of `index.store`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IndexStore {
    /// In a file of the storage's directory, or of the default one for a bucket; in memory if there is neither.
    InStorage,
    /// In this file.
    File(PathBuf),
    /// In a database.
    Database(DatabaseAddress),
    /// In memory.
    Memory,
    /// Nowhere.
    None,
}

impl IndexStore {
    /// The text without the password of a database.
    fn shown(&self, text: &str) -> String {
        match self {
            Self::Database(address) if address.has_password() => {
                let address = address.to_string();
                let (scheme, rest) = address.split_once("://").unwrap_or_default();
                format!("{scheme}://{HIDDEN}@{rest}")
            }
            _ => text.to_owned(),
        }
    }
}

impl FromStr for IndexStore {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "file:" => return Ok(Self::InStorage),
            "memory:" => return Ok(Self::Memory),
            "none" => return Ok(Self::None),
            _ => {}
        }
        if let Some(path) = text.strip_prefix("file://") {
            return match path.strip_prefix('/') {
                Some(rest) if !rest.is_empty() && !rest.ends_with('/') => Ok(Self::File(path.into())),
                _ => Err("it names no file: write file:///DIR/index.db".to_owned()),
            };
        }
        let is_database = ["postgres", "mysql", "mariadb"]
            .iter()
            .any(|scheme| text.starts_with(scheme));
        if is_database {
            let address = text.parse();
            return address
                .map(Self::Database)
                .map_err(|error: stoa_index::DatabaseAddressError| error.to_string());
        }
        // It is not repeated: a slip of the pen may be in the scheme of an address with a password.
        Err(
            "it is no place of an index: write file:, file:///FILE, postgres://USER@HOST/DATABASE, mysql://USER@HOST/DATABASE, \
             memory: or none"
                .to_owned(),
        )
    }
}

impl Section for IndexConfig {
    const TABLES: &'static [Table] = &[TABLE];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut table = reader.once(&TABLE);
        let store = table.value_shown(&STORE, str::parse::<IndexStore>, IndexStore::shown);
        let password_file = table.value(&PASSWORD_FILE, |text| {
            let file = path(text).map_err(|error| error.to_string())?;
            file.as_deref().map(private_file).transpose()?;
            Ok::<_, String>(file)
        });
        let ca = table.value(&CA, path);
        let timeout = table.value(&TIMEOUT, deadline);
        let public = table.value(&PUBLIC, boolean);
        Some(Self {
            store: store?,
            password_file: password_file?,
            ca: ca?,
            timeout: timeout?,
            public: public?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_file_a_database_or_nothing() {
        for (text, shown) in [
            ("file:", "file:"),
            ("file:///var/lib/index.db", "file:///var/lib/index.db"),
            ("none", "none"),
            ("memory:", "memory:"),
            (
                "postgres://stoa@db.example/stoa",
                "postgres://stoa@db.example/stoa",
            ),
            (
                "mysql://stoa:hunter2@db.example/stoa",
                "mysql://<hidden>@db.example:3306/stoa?tls=on",
            ),
        ] {
            let store: IndexStore = text.parse().expect(text);
            assert_eq!(store.shown(text), shown.replace("<hidden>", HIDDEN));
        }
        for bad in [
            "",
            "file://",
            "file:///",
            "file:///dir/",
            "sqlite:",
            "postgres://db.example/hunter2",
        ] {
            let error = bad.parse::<IndexStore>().expect_err(bad);
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
