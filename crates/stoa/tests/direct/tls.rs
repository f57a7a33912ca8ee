//! The stand-in behind TLS, which it does not speak itself.
#![expect(clippy::disallowed_methods, reason = "a server beside the one that is tested")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{Certificate, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Takes connections with TLS and passes on what is said to a server without. Dropping it ends all of them.
pub(crate) struct TlsFront {
    url: String,
    /// The certificate to be believed.
    pub(crate) certificate: PathBuf,
    _serving: JoinSet<()>,
}

impl TlsFront {
    /// In front of the server at `behind`, an http URL; the certificate is written below `directory`.
    pub(crate) async fn start(behind: &str, directory: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let certificate = directory.join("front.pem");
        fs::write(&certificate, made.cert.pem()).unwrap();
        Self::showing(behind, &made.cert, &made.signing_key, certificate).await
    }

    /// The same with this certificate, which is believed by who believes those in a file.
    pub(crate) async fn showing(
        behind: &str,
        shown: &Certificate,
        key: &KeyPair,
        certificate: PathBuf,
    ) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(shown.der().to_vec())], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let behind = behind.strip_prefix("http://").unwrap().to_owned();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                connections.spawn(async move {
                    let mut server = TcpStream::connect(behind).await.unwrap();
                    // A client that does not like the certificate, or hangs up, says so itself.
                    if let Ok(mut client) = acceptor.accept(client).await {
                        let _ended = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Self {
            url,
            certificate,
            _serving: serving,
        }
    }

    /// `https://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}
