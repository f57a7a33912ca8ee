//! `[tls]`.

use std::path::PathBuf;

use stoa_config::{Key, Reader, Section, Table, Variables, values::path};
use stoa_dispatch::Authorities;
use stoa_server::TlsFiles;

use super::private_file::private_file;

const CERT: Key = Key::new(
    "cert",
    "",
    "PEM file of the certificate chain; with tls.key, serve TLS",
);
const KEY: Key = Key::new("key", "", "PEM file of the private key");
const CA: Key = Key::new(
    "ca",
    "",
    "PEM file of certificate authorities that are believed beside the system's, by all that stoa asks",
);

const TLS: Table = Table::once("tls", &[CERT, KEY, CA]);

/// The variables that say where the system's certificate authorities are, which most programs know.
const SYSTEM: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The server's certificate, and whose certificates are believed.
#[derive(Clone, Debug)]
pub(crate) struct TlsConfig {
    /// `None`: no TLS.
    pub(crate) files: Option<TlsFiles>,
    /// Believed beside the system's.
    pub(crate) authorities: Authorities,
    /// Whether programs have to be told whom to believe: they would not find out themselves.
    pub(crate) is_told: bool,
}

fn authorities(text: &str) -> Result<Authorities, String> {
    let file = path(text).map_err(|error| error.to_string())?;
    let read = |file: PathBuf| {
        let read = Authorities::read(&file);
        read.map_err(|error| format!("{}: {error}", file.display()))
    };
    file.map_or_else(|| Ok(Authorities::default()), read)
}

/// Whether a variable moves the system's certificate authorities.
fn is_moved(variables: &Variables) -> bool {
    let is_set = |name: &&str| variables.get(name).is_some_and(|value| !value.is_empty());
    SYSTEM.iter().any(is_set)
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
        let is_moved = is_moved(&reader.given().variables);
        let mut tls = reader.once(&TLS);
        let cert: Option<Option<PathBuf>> = tls.value(&CERT, path);
        let key = tls.value(&KEY, private_path);
        let authorities = tls.value(&CA, authorities);
        let files = match (cert?, key?) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
            (None, None) => None,
            _ => {
                tls.fault("tls.cert and tls.key must be set together");
                return None;
            }
        };
        let authorities = authorities?;
        Some(Self {
            files,
            is_told: is_moved || !authorities.is_empty(),
            authorities,
        })
    }
}
