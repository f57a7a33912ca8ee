//! Certificates that do not verify.

use std::{error::Error, fmt};

use rustls::CertificateError as Fault;

/// The certificate of a server does not verify: whose, and why, in one sentence.
#[derive(Clone, Debug)]
pub(crate) struct CertificateError {
    pub(crate) host: String,
    pub(crate) fault: Fault,
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        write!(f, "the certificate of {host} does not verify: ")?;
        match &self.fault {
            Fault::Expired | Fault::ExpiredContext { .. } => f.write_str("it has expired"),
            Fault::NotValidYet | Fault::NotValidYetContext { .. } => f.write_str("it is not valid yet"),
            Fault::NotValidForName | Fault::NotValidForNameContext { .. } => {
                f.write_str("it is for another name")
            }
            Fault::UnknownIssuer => f.write_str("no authority that is known here has signed it"),
            Fault::Revoked => f.write_str("it was revoked"),
            other => write!(f, "{other}"),
        }
    }
}

/// No source: the text says all.
impl Error for CertificateError {}
