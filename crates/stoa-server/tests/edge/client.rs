//! Clients of each kind: HTTP/1.1 and HTTP/2, in plain text and through TLS.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use stoa_server::{Tls, TlsFiles};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::lab::{DEADLINE, Lab, Server};

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Http1,
    Http2,
    Tls1,
    Tls2,
}

pub(crate) const WAYS: [Way; 4] = [Way::Http1, Way::Http2, Way::Tls1, Way::Tls2];

/// A certificate for 127.0.0.1, as a server and as a client have it.
pub(crate) struct Identity {
    pub(crate) tls: Tls,
    der: Vec<u8>,
}

/// An answer that is still coming.
pub(crate) struct Stream {
    pub(crate) response: Response<Incoming>,
    text: String,
    _driver: JoinSet<()>,
}

impl Identity {
    pub(crate) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let (cert, key) = (directory.path().join("cert"), directory.path().join("key"));
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        Self {
            tls: TlsFiles { cert, key }.read().unwrap(),
            der: made.cert.der().to_vec(),
        }
    }

    async fn connect(
        &self,
        address: &str,
        protocol: &str,
    ) -> impl AsyncRead + AsyncWrite + Send + Unpin + use<> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone().into()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol.as_bytes()));
        stream
    }
}

impl Way {
    /// The lab, with TLS if this is a way through it.
    pub(crate) fn prepare(self, mut lab: Lab, identity: &Identity) -> Lab {
        if matches!(self, Self::Tls1 | Self::Tls2) {
            lab.tls = Some(identity.tls.clone());
        }
        lab
    }

    /// Asks, on a connection of its own, and reads the head of the answer.
    pub(crate) async fn open(self, server: &Server, identity: &Identity, path: &str, id: &str) -> Stream {
        let address = &server.address;
        let tcp = async || TcpStream::connect(address).await.unwrap();
        let opened = async {
            match self {
                Self::Http1 => http1(tcp().await, address, path, id).await,
                Self::Http2 => http2(tcp().await, address, path, id).await,
                Self::Tls1 => http1(identity.connect(address, "http/1.1").await, address, path, id).await,
                Self::Tls2 => http2(identity.connect(address, "h2").await, address, path, id).await,
            }
        };
        timeout(DEADLINE, opened).await.unwrap()
    }
}

async fn http1<S>(stream: S, address: &str, path: &str, id: &str) -> Stream
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut client, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let mut driver = JoinSet::new();
    driver.spawn(async {
        let _closed = connection.await;
    });
    let request = Request::get(path)
        .header("host", address)
        .header("x-request-id", id);
    let response = client
        .send_request(request.body(Empty::<Bytes>::new()).unwrap())
        .await
        .unwrap();
    Stream::new(response, driver)
}

async fn http2<S>(stream: S, address: &str, path: &str, id: &str) -> Stream
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut client, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let mut driver = JoinSet::new();
    driver.spawn(async {
        let _closed = connection.await;
    });
    let request = Request::get(format!("http://{address}{path}")).header("x-request-id", id);
    let response = client
        .send_request(request.body(Empty::<Bytes>::new()).unwrap())
        .await
        .unwrap();
    Stream::new(response, driver)
}

impl Stream {
    fn new(response: Response<Incoming>, driver: JoinSet<()>) -> Self {
        Self {
            response,
            text: String::new(),
            _driver: driver,
        }
    }

    /// Reads until all that has come is `text`; fails when something else comes.
    pub(crate) async fn expect(&mut self, text: &str) {
        while self.text != text {
            assert!(
                text.starts_with(&self.text),
                "{:?} instead of {text:?}",
                self.text
            );
            let frame = timeout(DEADLINE, self.response.body_mut().frame()).await.unwrap();
            let data = frame.expect("more of the body").unwrap().into_data().unwrap();
            self.text += std::str::from_utf8(&data).unwrap();
        }
    }

    /// Whether nothing more comes and the body ends as it should; `Err` if it is cut.
    pub(crate) async fn end(&mut self) -> Result<(), String> {
        let (len, end) = self.rest().await;
        assert_eq!(len, 0, "more of the body");
        end
    }

    /// How many bytes come in all, and whether the body ends as it should.
    pub(crate) async fn rest(&mut self) -> (u64, Result<(), String>) {
        let mut len = 0;
        loop {
            match timeout(DEADLINE, self.response.body_mut().frame()).await.unwrap() {
                None => return (len, Ok(())),
                Some(Ok(frame)) => len += frame.data_ref().map_or(0, Bytes::len) as u64,
                Some(Err(error)) => return (len, Err(error.to_string())),
            }
        }
    }
}
