//! Certificate authorities that are believed beside the system's.

use std::{
    fmt::{self, Write as _},
    fs::File,
    io::{self, Read as _},
    path::Path,
    sync::Arc,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem, pem::PemObject as _},
};

/// The largest file that is read, in bytes: that of a whole system has some hundred kilobytes.
const LARGEST: u64 = 16 << 20;

/// How many characters a line of PEM has (RFC 7468).
const LINE: usize = 64;

/// Certificate authorities that are believed beside those of the system. Cheap to clone; none by default.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Authorities {
    certificates: Arc<[CertificateDer<'static>]>,
}

/// Why a file of authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    /// It cannot be read.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// It has more bytes than a file of certificates has.
    #[error("more than {LARGEST} bytes")]
    TooLarge,
    /// It is broken PEM.
    #[error("{0}")]
    Pem(pem::Error),
    /// There is not one in it.
    #[error("no certificate in it: PEM is expected, -----BEGIN CERTIFICATE-----")]
    Empty,
    /// What is marked as a certificate is none.
    #[error("certificate {number} of it is none: {error}")]
    Certificate {
        /// Which, counted from 1.
        number: usize,
        /// What is wrong with it.
        error: rustls::Error,
    },
}

impl Authorities {
    /// Those in a PEM file, one or many. What else is in it is passed over.
    ///
    /// # Errors
    /// When it cannot be read, has none, or has one that is broken.
    pub fn read(path: &Path) -> Result<Self, AuthoritiesError> {
        let mut text = Vec::new();
        File::open(path)?.take(LARGEST + 1).read_to_end(&mut text)?;
        if text.len() as u64 > LARGEST {
            return Err(AuthoritiesError::TooLarge);
        }
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let certificates = read.map_err(AuthoritiesError::Pem)?;
        if certificates.is_empty() {
            return Err(AuthoritiesError::Empty);
        }
        let mut store = RootCertStore::empty();
        for (index, certificate) in certificates.iter().enumerate() {
            let number = index + 1;
            let added = store.add(certificate.clone());
            added.map_err(|error| AuthoritiesError::Certificate { number, error })?;
        }
        Ok(Self {
            certificates: certificates.into(),
        })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// All that are believed, as one PEM text: the system's, which are those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name
    /// where they are set, and these. For programs that take a file in place of the system's. What the system has and cannot
    /// be read is left out, as it is for connections from here.
    pub fn with_system(&self) -> String {
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::warn!(%error, "certificate authorities of the system cannot be read");
        }
        let mut text = String::new();
        for certificate in system.certs.iter().chain(self.certificates.iter()) {
            text.push_str("-----BEGIN CERTIFICATE-----\n");
            let encoded = BASE64_STANDARD.encode(certificate);
            let mut rest = encoded.as_str();
            while !rest.is_empty() {
                let (line, after) = rest.split_at(rest.len().min(LINE));
                let _ = writeln!(text, "{line}");
                rest = after;
            }
            text.push_str("-----END CERTIFICATE-----\n");
        }
        text
    }

    pub(crate) fn certificates(&self) -> impl Iterator<Item = CertificateDer<'static>> {
        self.certificates.iter().cloned()
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.certificates.len())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn pem() -> String {
        let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).expect("a certificate");
        made.cert.pem()
    }

    fn read(text: &str) -> Result<Authorities, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), text).expect("written");
        Authorities::read(file.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn one_or_many_are_read_and_written_again() {
        let (first, second) = (pem(), pem());
        let both = read(&format!("of ours\n{first}\nand\n{second}")).expect("two");
        assert_eq!(both.certificates.len(), 2);
        assert!(!both.is_empty() && Authorities::default().is_empty());
        let again = read(&both.with_system()).expect("a bundle");
        assert!(again.certificates.ends_with(&both.certificates));
        assert!(again.certificates.len() >= 2);
    }

    #[test]
    fn what_is_no_certificate_is_said_in_one_line() {
        let missing = Authorities::read(Path::new("/nowhere/ca.pem")).map_err(|error| error.to_string());
        let key = rcgen::KeyPair::generate().expect("a key").serialize_pem();
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        for (given, want) in [
            (missing, "No such file"),
            (read(""), "no certificate in it"),
            (read(&key), "no certificate in it"),
            (read(&(pem() + broken)), "certificate 2 of it is none"),
            (read(cut), "section end"),
        ] {
            let said = given.expect_err(want);
            assert!(said.contains(want) && said.lines().count() == 1, "{said}");
        }
    }
}
