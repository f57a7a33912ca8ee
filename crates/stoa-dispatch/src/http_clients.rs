//! The clients of one lane: the only place that makes an HTTP client.
#![expect(
    clippy::disallowed_types,
    reason = "everything else takes a pool; here the pool's own clients are made"
)]

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;

use crate::{
    HttpOptions, NoProxy, PrivateAddressError, PublicOnly, Request, TransportError, TransportErrorKind, Via,
    is_public, lookup::Resolver,
};

/// Header lines of an answer over HTTP/1.1. Go's client takes as many as 10 MiB hold; hyper by itself takes a hundred, and
/// bounds the bytes of a head to some hundred kilobytes.
const MAX_HEADERS: usize = 1000;

/// Idle connections that a client keeps.
const MAX_IDLE: usize = 32;

/// Proxies whose clients a lane keeps; that which was used the longest time ago goes first.
const MAX_VIAS: usize = 4;

/// The clients of one lane. Requests of different trust and requests of different proxies share no connections.
#[derive(Debug)]
pub(crate) struct HttpClients {
    options: HttpOptions,
    tls: rustls::ClientConfig,
    any: reqwest::Client,
    /// For [`PublicOnly`] requests; made for the first of them.
    public: OnceLock<Result<reqwest::Client, TransportError>>,
    /// For [`NoProxy`] requests; made for the first of them.
    near: OnceLock<Result<reqwest::Client, TransportError>>,
    /// For requests with a proxy of their own; that which was used last is the last.
    vias: Mutex<Vec<(Via, bool, reqwest::Client)>>,
}

impl HttpClients {
    /// The clients that `options` and `tls` make.
    pub(crate) fn new(options: HttpOptions, tls: rustls::ClientConfig) -> Result<Self, TransportError> {
        let any = client(&options, &tls, false, Way::OfEnvironment)?;
        Ok(Self {
            options,
            tls,
            any,
            public: OnceLock::new(),
            near: OnceLock::new(),
            vias: Mutex::default(),
        })
    }

    /// The client that a request is to be sent with.
    pub(crate) fn of(&self, request: &Request) -> Result<reqwest::Client, TransportError> {
        let public_only = request.extensions().get::<PublicOnly>().is_some();
        if public_only {
            // An address skips the resolver, so it is judged here.
            let host = request.uri().host().unwrap_or_default();
            let literal = host.trim_start_matches('[').trim_end_matches(']');
            if let Ok(address) = literal.parse::<IpAddr>() {
                judge(host, address)?;
            }
        }
        match request.extensions().get::<Via>() {
            Some(via) => self.of_via(via, public_only),
            None if public_only => {
                let make = || client(&self.options, &self.tls, true, Way::OfEnvironment);
                self.public.get_or_init(make).clone()
            }
            None if request.extensions().get::<NoProxy>().is_some() => {
                let make = || client(&self.options, &self.tls, false, Way::Direct);
                self.near.get_or_init(make).clone()
            }
            None => Ok(self.any.clone()),
        }
    }

    fn of_via(&self, via: &Via, public_only: bool) -> Result<reqwest::Client, TransportError> {
        let is_own = |own: &String| own.eq_ignore_ascii_case(via.host());
        if public_only
            && let Some(address) = via.address()
            && !self.options.proxy_hosts.iter().any(is_own)
        {
            judge(via.host(), address)?;
        }
        let mut vias = self.vias.lock();
        let known = vias
            .iter()
            .position(|(other, public, _)| other == via && *public == public_only);
        let found = if let Some(place) = known {
            vias.remove(place)
        } else {
            let client = client(&self.options, &self.tls, public_only, Way::Via(via))?;
            (via.clone(), public_only, client)
        };
        let client = found.2.clone();
        vias.push(found);
        if vias.len() > MAX_VIAS {
            vias.remove(0);
        }
        Ok(client)
    }
}

fn judge(host: &str, address: IpAddr) -> Result<(), TransportError> {
    if is_public(address) {
        return Ok(());
    }
    let host = host.to_owned();
    let error = PrivateAddressError { host, address };
    Err(TransportError::new(TransportErrorKind::Private, error))
}

/// Which proxy a client passes.
#[derive(Clone, Copy, Debug)]
enum Way<'a> {
    /// What the environment names.
    OfEnvironment,
    /// None.
    Direct,
    /// This one.
    Via(&'a Via),
}

fn client(
    options: &HttpOptions,
    tls: &rustls::ClientConfig,
    public_only: bool,
    way: Way<'_>,
) -> Result<reqwest::Client, TransportError> {
    let resolver = Resolver {
        lookup: Arc::clone(&options.lookup),
        public_only: public_only.then(|| options.proxy_hosts.clone().into()),
    };
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .dns_resolver(Arc::new(resolver))
        .connect_timeout(options.connect_timeout)
        .pool_idle_timeout(options.idle_timeout)
        .pool_max_idle_per_host(MAX_IDLE)
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true)
        .http1_max_headers(MAX_HEADERS)
        // As Go's client does: a value may go on in the next line, and spaces may stand before a colon.
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true);
    if let Some(agent) = &options.user_agent {
        builder = builder.user_agent(agent);
    }
    if let Some(path) = &options.unix_socket {
        builder = builder.unix_socket(path.as_path());
    }
    match way {
        Way::OfEnvironment => {}
        Way::Direct => builder = builder.no_proxy(),
        Way::Via(via) => {
            let proxy = reqwest::Proxy::all(via.url());
            // The error may hold the URL.
            let proxy = proxy.map_err(|_| {
                TransportError::new(TransportErrorKind::Request, format!("{via} is no proxy"))
            })?;
            builder = builder.no_proxy().proxy(proxy);
        }
    }
    builder
        .build()
        .map_err(|error| TransportError::new(TransportErrorKind::Request, error))
}
