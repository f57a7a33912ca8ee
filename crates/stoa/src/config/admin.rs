//! `[admin]`.

use std::path::PathBuf;

use stoa_config::{Key, Reader, Section, Table, values::path};

const TOKEN_FILE: Key = Key::new(
    "token_file",
    "",
    "file with the token that /api/v1 asks for; without one only this machine may use it",
);

const ADMIN: Table = Table::once("admin", &[TOKEN_FILE]);

/// The guard of `/api/v1`.
#[derive(Clone, Debug)]
pub(crate) struct AdminConfig {
    /// The file with the admin token, read when the server starts.
    pub(crate) token_file: Option<PathBuf>,
}

impl Section for AdminConfig {
    const TABLES: &'static [Table] = &[ADMIN];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let token_file = reader.once(&ADMIN).value(&TOKEN_FILE, path);
        Some(Self {
            token_file: token_file?,
        })
    }
}
