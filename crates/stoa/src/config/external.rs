//! `[external]`.

use std::path::PathBuf;

use stoa_config::{Key, Reader, Section, Table, values::path};
use stoa_server::AdminToken;

use super::private_file::private_file;

const TOKEN_FILE: Key = Key::new(
    "token_file",
    "",
    "file with the token of an Athens that keeps its modules here by its external storage protocol (.save, .delete); without it, \
     nobody stores or deletes",
);

const TABLE: Table = Table::once("external", &[TOKEN_FILE]);

/// Who may store and delete modules.
#[derive(Clone, Debug)]
pub(crate) struct ExternalConfig {
    /// The file with the token, read when the server starts.
    pub(crate) token_file: Option<PathBuf>,
}

impl Section for ExternalConfig {
    const TABLES: &'static [Table] = &[TABLE];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let token_file = reader.once(&TABLE).value(&TOKEN_FILE, |text| {
            let file = path(text).map_err(|error| error.to_string())?;
            if let Some(file) = &file {
                private_file(file)?;
                // What the server could not start with is no good configuration.
                AdminToken::read(file).map_err(|error| error.to_string())?;
            }
            Ok::<_, String>(file)
        });
        Some(Self {
            token_file: token_file?,
        })
    }
}
