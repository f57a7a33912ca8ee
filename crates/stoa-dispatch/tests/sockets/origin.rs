//! Servers that the scripted one is not: on every address of the machine, on a unix socket, with TLS.

use std::{io, path::Path, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixListener},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, rustls};

/// What is answered to everything.
pub(crate) const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server, until it is dropped. It runs on the runtime of its test.
pub(crate) struct Origin {
    port: u16,
    _accepting: JoinSet<()>,
}

impl Origin {
    /// On all addresses 127.x.y.z.
    pub(crate) async fn everywhere() -> Self {
        Self::tcp("0.0.0.0:0", |stream| async move { answer(stream).await }).await
    }

    /// Hands each connection on 127.0.0.1 to `serve`.
    pub(crate) async fn serving<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        Self::tcp("127.0.0.1:0", serve).await
    }

    /// With a certificate that no client trusts.
    pub(crate) async fn self_signed() -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("certificate");
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .expect("certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::serving(move |stream| {
            let acceptor = acceptor.clone();
            async move { answer(acceptor.accept(stream).await?).await }
        })
        .await
    }

    async fn tcp<F>(address: &str, serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let port = listener.local_addr().expect("address").port();
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    Some(_) = connections.join_next() => {}
                    accepted = listener.accept() => {
                        let Ok((stream, _)) = accepted else { continue };
                        connections.spawn(serve(stream));
                    }
                }
            }
        });
        Self {
            port,
            _accepting: accepting,
        }
    }

    /// On a unix socket.
    pub(crate) fn unix(path: &Path) -> Self {
        let listener = UnixListener::bind(path).expect("a unix socket");
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // One client at a time is enough.
                let _ = answer(stream).await;
            }
        });
        Self {
            port: 0,
            _accepting: accepting,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// Answers requests without a body until the client goes.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut seen = Vec::with_capacity(1024);
    while stream.read_buf(&mut seen).await? > 0 {
        if seen.ends_with(b"\r\n\r\n") {
            seen.clear();
            stream.write_all(ANSWER).await?;
        }
    }
    Ok(())
}
