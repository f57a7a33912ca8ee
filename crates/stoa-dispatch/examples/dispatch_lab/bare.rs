//! A client without a pool, made as the pool's own are.
#![expect(
    clippy::disallowed_types,
    reason = "what the pool is measured against goes past it"
)]

use std::{sync::Arc, time::Duration};

use http::Uri;
use rustls_platform_verifier::BuilderVerifierExt;
use stoa_dispatch::HttpOptions;

pub(crate) struct Bare(reqwest::Client);

impl Bare {
    pub(crate) fn new() -> Result<Self, String> {
        let options = HttpOptions::default();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(|error| error.to_string())?
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(options.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(90))
            .pool_max_idle_per_host(32)
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .build();
        client.map(Self).map_err(|error| error.to_string())
    }

    pub(crate) async fn get(&self, url: &Uri) -> Result<usize, String> {
        let response = self.0.get(url.to_string()).send().await;
        let response = response.map_err(|error| error.to_string())?;
        if response.status() != http::StatusCode::OK {
            return Err(format!("the server said {}", response.status()));
        }
        let body = response.bytes().await.map_err(|error| error.to_string())?;
        Ok(body.len())
    }
}
