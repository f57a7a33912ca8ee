//! A module proxy whose connections end in the middle of what they send, over HTTP/1.1 or HTTP/2.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_RANGE, RANGE};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use stoa_testing::content::Content;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// How a source speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Http {
    One,
    /// Behind TLS, as clients agree on it.
    Two,
    /// The same, with a certificate whose time is over.
    Expired,
}

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Sends {
    pub(crate) content: Content,
    pub(crate) etag: Option<&'static str>,
    /// Whether a range is answered with 206.
    pub(crate) ranges: bool,
    /// Where of the content the connection ends; at its end, without.
    pub(crate) cut: Option<u64>,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) range: Option<String>,
    pub(crate) if_range: Option<String>,
}

type Script = Box<dyn FnMut(&str, usize) -> Option<Sends> + Send>;

struct State {
    asked: Vec<Asked>,
    script: Script,
}

/// A server on a port of 127.0.0.1 that ends with this.
pub(crate) struct Source {
    pub(crate) url: String,
    /// The certificate to be believed, of one that speaks HTTP/2.
    pub(crate) certificate: Option<PathBuf>,
    state: Arc<Mutex<State>>,
    _serving: JoinSet<()>,
}

impl Source {
    /// A server that asks `script` what to send for a path, which is told how many requests came before; 404 for `None`.
    pub(crate) async fn start(
        http: Http,
        directory: &Path,
        script: impl FnMut(&str, usize) -> Option<Sends> + Send + 'static,
    ) -> Self {
        let tls = (http != Http::One).then(|| tls(directory, http == Http::Expired));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if http == Http::One { "http" } else { "https" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            asked: Vec::new(),
            script: Box::new(script),
        }));
        let (acceptor, certificate) = tls.unzip();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, acceptor, Arc::clone(&state)));
        Self {
            url,
            certificate,
            state,
            _serving: serving,
        }
    }

    /// All requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.lock().asked.clone()
    }
}

fn tls(directory: &Path, is_expired: bool) -> (TlsAcceptor, PathBuf) {
    let mut parameters = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    if is_expired {
        parameters.not_before = rcgen::date_time_ymd(2019, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
    }
    let key = rcgen::KeyPair::generate().unwrap();
    let certified = parameters.self_signed(&key).unwrap();
    let certificate = directory.join("source.pem");
    fs::write(&certificate, certified.pem()).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(certified.der().to_vec())], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    (TlsAcceptor::from(Arc::new(config)), certificate)
}

async fn serve(listener: TcpListener, acceptor: Option<TlsAcceptor>, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let (acceptor, state) = (acceptor.clone(), Arc::clone(&state));
        connections.spawn(async move {
            // Connections that end early are what this server is for.
            let _ended = connection(socket, acceptor, state).await;
        });
    }
}

async fn connection(
    socket: TcpStream,
    acceptor: Option<TlsAcceptor>,
    state: Arc<Mutex<State>>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(&request, &mut state.lock());
        std::future::ready(Ok::<_, Infallible>(answer))
    });
    if let Some(acceptor) = acceptor {
        let stream = TokioIo::new(acceptor.accept(socket).await?);
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder.serve_connection(stream, service).await?;
    } else {
        let builder = hyper::server::conn::http1::Builder::new();
        builder.serve_connection(TokioIo::new(socket), service).await?;
    }
    Ok(())
}

type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;

fn answer(request: &Request<Incoming>, state: &mut State) -> Answer {
    let text = |name| {
        let value = request.headers().get(name)?;
        Some(value.to_str().unwrap().to_owned())
    };
    let path = request.uri().path().replace("%21", "!");
    let asked = Asked {
        path: path.clone(),
        range: text(RANGE),
        if_range: text(IF_RANGE),
    };
    let before = state.asked.len();
    state.asked.push(asked.clone());
    let Some(sends) = (state.script)(&path, before) else {
        let mut missing = Response::new(
            http_body_util::Empty::new()
                .map_err(|never| match never {})
                .boxed_unsync(),
        );
        *missing.status_mut() = http::StatusCode::NOT_FOUND;
        return missing;
    };
    let start = sends.start(&asked);
    let len = sends.content.len();
    let mut headers = HeaderMap::new();
    if let Some(etag) = sends.etag {
        headers.insert(ETAG, etag.parse().unwrap());
    }
    headers.insert(CONTENT_LENGTH, (len - start).into());
    let end = sends.cut.map_or(len, |cut| cut.clamp(start, len));
    let pieces = sends
        .content
        .chunks(start..end)
        .map(|piece| Ok(Frame::data(piece)));
    let cut = (end < len).then(|| Err(io::Error::other("the script ends it here")));
    let body = StreamBody::new(stream::iter(pieces.chain(cut)));
    let mut answer = Response::new(BodyExt::boxed_unsync(body));
    if start > 0 {
        *answer.status_mut() = http::StatusCode::PARTIAL_CONTENT;
        headers.insert(
            CONTENT_RANGE,
            format!("bytes {start}-{}/{len}", len - 1).parse().unwrap(),
        );
    }
    *answer.headers_mut() = headers;
    answer
}

impl Sends {
    /// The first byte of the answer: that of the range if there is one and it is of this content.
    fn start(&self, asked: &Asked) -> u64 {
        let is_same = asked.if_range.as_deref().is_none_or(|tag| Some(tag) == self.etag);
        let range = asked.range.as_deref().filter(|_| self.ranges && is_same);
        let first = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
        first.map_or(0, |first| first.parse().unwrap())
    }
}
