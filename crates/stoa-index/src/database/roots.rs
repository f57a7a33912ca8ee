//! Who may vouch for a server.

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::{Fault, IndexError};

/// The certificates of a PEM text or, without one, those that the system trusts.
pub(crate) fn roots(pem: Option<&[u8]>) -> Result<Vec<CertificateDer<'static>>, IndexError> {
    let none = || IndexError::BadAddress("there is no certificate that could vouch for it".into());
    let mut found = match pem {
        Some(pem) => {
            let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
            parsed.map_err(|error| {
                IndexError::BadAddress(Fault::because("its certificates are no PEM", error))
            })?
        }
        None => rustls_native_certs::load_native_certs().certs,
    };
    // Some that systems trust are of kinds that are not read here.
    found.retain(|root| RootCertStore::empty().add(root.clone()).is_ok());
    if found.is_empty() { Err(none()) } else { Ok(found) }
}
