//! `[webhook]`.

use std::path::PathBuf;

use stoa_config::{Key, Reader, Section, Table, values::path};
use stoa_server::WebhookSecret;

use super::private_file::private_file;

const SECRET_FILE: Key = Key::new(
    "secret_file",
    "",
    "file with the secret of the hosts that send webhooks to /api/v1/webhook; without it none are taken",
);

const WEBHOOK: Table = Table::once("webhook", &[SECRET_FILE]);

/// Whose word is taken that somebody has pushed.
#[derive(Clone, Debug)]
pub(crate) struct WebhookConfig {
    /// The file with the secret, read when the server starts.
    pub(crate) secret_file: Option<PathBuf>,
}

impl Section for WebhookConfig {
    const TABLES: &'static [Table] = &[WEBHOOK];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let secret_file = reader.once(&WEBHOOK).value(&SECRET_FILE, |text| {
            let file = path(text).map_err(|error| error.to_string())?;
            if let Some(file) = &file {
                private_file(file)?;
                // What the server could not start with is no good configuration.
                WebhookSecret::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
            }
            Ok::<_, String>(file)
        });
        Some(Self {
            secret_file: secret_file?,
        })
    }
}
