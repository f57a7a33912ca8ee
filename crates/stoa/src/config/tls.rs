//! `[tls]`.

use std::path::PathBuf;

use stoa_config::{Key, Reader, Section, Table, values::path};
use stoa_server::TlsFiles;

use super::private_file::private_file;

const CERT: Key = Key::new(
    "cert",
    "",
    "PEM file of the certificate chain; with tls.key, serve TLS",
);
const KEY: Key = Key::new("key", "", "PEM file of the private key");

const TLS: Table = Table::once("tls", &[CERT, KEY]);

/// The server's certificate.
#[derive(Clone, Debug)]
pub(crate) struct TlsConfig {
    /// `None`: no TLS.
    pub(crate) files: Option<TlsFiles>,
}

/// The file of the key, which only its owner may read and write.
fn private_path(text: &str) -> Result<Option<PathBuf>, String> {
    let file = path(text).map_err(|error| error.to_string())?;
    file.as_deref().map_or(Ok(()), private_file)?;
    Ok(file)
}

impl Section for TlsConfig {
    const TABLES: &'static [Table] = &[TLS];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut tls = reader.once(&TLS);
        let cert: Option<PathBuf> = tls.value(&CERT, path)?;
        let files = match (cert, tls.value(&KEY, private_path)?) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
            (None, None) => None,
            _ => {
                tls.fault("tls.cert and tls.key must be set together");
                return None;
            }
        };
        Some(Self { files })
    }
}
