//! The wire.

use std::{
    error::Error,
    fmt, io,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use http_body_util::BodyExt;
use rustls_platform_verifier::Verifier;

use crate::{
    Authorities, HttpOptions, LaneKey, PrivateAddressError, RawBody, Request, RequestContent, Transport,
    TransportError, TransportErrorKind, Transports, certificate_error::CertificateError,
    http_clients::HttpClients,
};

/// HTTP/1.1 and HTTP/2 over TCP and TLS, each lane with connections of its own.
///
/// Proxies are taken from the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`) unless a request names one
/// itself ([`Via`](crate::Via)), TLS roots from the system, to which [`HttpOptions::authorities`] are added. A request marked
/// [`PublicOnly`](crate::PublicOnly) reaches public addresses only, over connections of its own; where it goes through a
/// proxy, the proxy resolves the name and has to see to that.
#[derive(Debug)]
pub struct HttpTransports {
    options: HttpOptions,
    /// Made for the first lane: reading the system's roots takes milliseconds and megabytes.
    tls: OnceLock<Result<rustls::ClientConfig, String>>,
}

/// The transport of one lane.
#[derive(Debug)]
struct HttpTransport {
    clients: HttpClients,
}

impl HttpTransports {
    /// Transports with these options.
    pub fn new(options: HttpOptions) -> Self {
        Self {
            options,
            tls: OnceLock::new(),
        }
    }

    fn tls(&self) -> Result<rustls::ClientConfig, TransportError> {
        let tls = self
            .tls
            .get_or_init(|| client_config(&self.options.authorities).map_err(|error| error.to_string()));
        tls.clone()
            .map_err(|reason| TransportError::new(TransportErrorKind::Tls, format!("no TLS roots: {reason}")))
    }
}

fn client_config(authorities: &Authorities) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(authorities.certificates(), Arc::clone(&provider))?;
    // "Dangerous" is what a verifier may be; this one is the platform's.
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

impl Transports for HttpTransports {
    fn for_lane(&self, _lane: &LaneKey) -> Result<Arc<dyn Transport>, TransportError> {
        let clients = HttpClients::new(self.options.clone(), self.tls()?)?;
        Ok(Arc::new(HttpTransport { clients }))
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request) -> Result<http::Response<RawBody>, TransportError> {
        let client = self.clients.of(&request)?;
        let host = request.uri().host().unwrap_or_default().to_owned();
        let request = request.map(|body| match body.into_content() {
            RequestContent::Bytes(bytes) => reqwest::Body::from(bytes),
            RequestContent::Stream(stream) => {
                reqwest::Body::wrap_stream(http_body_util::BodyDataStream::new(stream))
            }
        });
        let request = request.try_into().map_err(from_reqwest)?;
        let response = client.execute(request).await;
        let response =
            response.map_err(|error| of_certificate(&error, host).unwrap_or_else(|| from_reqwest(error)))?;
        let response = http::Response::<reqwest::Body>::from(response);
        Ok(response.map(|body| body.map_err(from_reqwest).boxed_unsync()))
    }
}

/// The error of a handshake that ended because the certificate of `host` does not verify.
fn of_certificate(error: &reqwest::Error, host: String) -> Option<TransportError> {
    let rustls::Error::InvalidCertificate(fault) = caused_by::<rustls::Error>(error)? else {
        return None;
    };
    let fault = fault.clone();
    let error = CertificateError { host, fault };
    Some(TransportError::new(TransportErrorKind::Tls, error))
}

/// The URL is left out of the text: it may carry credentials.
fn from_reqwest(error: reqwest::Error) -> TransportError {
    if let Some(private) = caused_by::<PrivateAddressError>(&error) {
        return TransportError::new(TransportErrorKind::Private, private.clone());
    }
    let kind = if error.is_builder() {
        TransportErrorKind::Request
    } else if caused_by::<rustls::Error>(&error).is_some() {
        TransportErrorKind::Tls
    } else if error.is_connect() {
        TransportErrorKind::Connect
    } else if is_cut(&error) {
        TransportErrorKind::Cut
    } else {
        TransportErrorKind::Protocol
    };
    if error.is_connect() && error.is_timeout() {
        return TransportError::new(kind, ConnectTimeoutError);
    }
    TransportError::new(kind, error.without_url())
}

/// Whether the server closed the connection.
fn is_cut(error: &reqwest::Error) -> bool {
    let by_hyper = caused_by::<hyper::Error>(error)
        .is_some_and(|e| e.is_incomplete_message() || e.is_canceled() || e.is_closed());
    // A stream that was reset, by the server or because it ended too soon, and a connection that the server ends. What
    // is wrong with the frames themselves ends the connection from here.
    let by_frames =
        caused_by::<h2::Error>(error).is_some_and(|e| e.is_reset() || e.is_go_away() && e.is_remote());
    by_hyper
        || by_frames
        || caused_by::<io::Error>(error).is_some_and(|e| {
            matches!(
                e.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof
            )
        })
}

/// The first error of this type in the chain.
fn caused_by<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        // The source of an I/O error is that of the error it wraps, so look at the wrapped error first.
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(|io| io.get_ref())
            .map(|inner| inner as &(dyn Error + 'static));
        next = wrapped.or_else(|| error.source());
    }
    None
}

/// Connecting took too long.
#[derive(Debug)]
struct ConnectTimeoutError;

impl fmt::Display for ConnectTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connecting took too long")
    }
}

impl Error for ConnectTimeoutError {}
