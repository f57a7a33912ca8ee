//! The handler of jobs of kind `callback`.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde::Deserialize as _;
use serde_json::json;

use super::{payload::CallbackPayload, signature::CallbackSecret};
use crate::{
    Handler, Outcome, Run,
    download::{
        Body, Method, Purpose, Request, Response, Transport, layered, shown,
        verdict::{dead, of_error, of_status, retry},
    },
};

/// How much of an answer is read, and for how long, so that its connection can be used again.
const DRAINED: u64 = 64 * 1_024;
const DRAIN_TIME: Duration = Duration::from_secs(5);

pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(super) const TIMESTAMP: HeaderName = HeaderName::from_static("x-stoa-timestamp");
pub(super) const SIGNATURE: HeaderName = HeaderName::from_static("x-stoa-signature");

/// How callbacks are sent.
#[derive(Clone, Debug)]
pub struct CallbackOptions {
    /// What callbacks are signed with; they are not if there is none.
    pub secret: Option<CallbackSecret>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Headers of every callback, as `User-Agent`.
    pub headers: BTreeMap<String, String>,
}

impl Default for CallbackOptions {
    fn default() -> Self {
        Self {
            secret: None,
            timeout: Duration::from_secs(30),
            headers: BTreeMap::new(),
        }
    }
}

/// Tells submitters of the ends of their jobs: the handler of jobs of kind `callback`, whose payload is a
/// [`CallbackPayload`].
///
/// An answer of 2xx is a delivery. Everything else is as for downloads, with the classes `payload`, `headers` and `proxy` of our
/// own mistakes, but that 3xx and 4xx are tried again as well, because targets come back; 410 alone says that one does not.
/// A receiver may be told twice, and knows that by the `Idempotency-Key`.
#[derive(Debug)]
pub struct CallbackHandler {
    transport: Arc<dyn Transport>,
    options: CallbackOptions,
}

impl CallbackHandler {
    /// Sends through `transport`.
    pub fn new(transport: Arc<dyn Transport>, options: CallbackOptions) -> Self {
        Self { transport, options }
    }

    async fn deliver(&self, run: &Run) -> Result<StatusCode, Outcome> {
        let payload = CallbackPayload::deserialize(&run.job().payload)
            .map_err(|error| dead("payload", &format!("the payload is no callback: {error}")))?;
        run.note("idempotency_key", payload.key.as_str());
        let request = self.request(run, payload)?;
        let sent = self.transport.send(request).await;
        let response = sent.map_err(|error| of_error(&error))?;
        run.note("status", response.status.as_u16());
        run.note("final_url", shown(&response.url));
        if let Some(remote) = response.remote {
            run.note("remote", remote.to_string());
        }
        let Response {
            status,
            headers,
            body,
            ..
        } = response;
        // The answer counts by its status: whether the rest of it arrives changes nothing.
        let _ = tokio::time::timeout(DRAIN_TIME, drain(body)).await;
        verdict(status, &headers, run)
    }

    fn request(&self, run: &Run, payload: CallbackPayload) -> Result<Request, Outcome> {
        // Those of the aggregation are for downloads: whoever is told need not be who the operator has a secret with.
        let headers = layered(&[&self.options.headers]);
        let mut headers = headers.map_err(|error| retry("headers", &error.to_string()))?;
        if let Some(authorization) = payload.url.authorization() {
            headers.insert(AUTHORIZATION, authorization);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let key = payload.key.parse();
        headers.insert(
            IDEMPOTENCY_KEY,
            key.map_err(|_| dead("payload", "the key is no header"))?,
        );
        if let Some(secret) = &self.options.secret {
            let (second, signature) = secret.sign_now(payload.body.as_bytes());
            headers.insert(TIMESTAMP, HeaderValue::from(second));
            let signature = signature.parse();
            headers.insert(SIGNATURE, signature.map_err(|_| dead("headers", "no signature"))?);
        }
        let proxy = run.settings().proxy.as_deref().map(str::parse).transpose();
        let no_proxy = |error| {
            retry(
                "proxy",
                &format!("the proxy of the aggregation is no URL: {error}"),
            )
        };
        Ok(Request {
            purpose: Purpose::Callback,
            method: Method::Post(Bytes::from(payload.body)),
            url: payload.url.request_url(),
            headers,
            proxy: proxy.map_err(no_proxy)?,
            response_timeout: Some(self.options.timeout),
        })
    }
}

fn verdict(status: StatusCode, headers: &HeaderMap, run: &Run) -> Result<StatusCode, Outcome> {
    if status.is_success() {
        return Ok(status);
    }
    Err(match of_status(status, headers, run.job()) {
        Outcome::Dead(failure) if matches!(status.as_u16(), 300..=409 | 411..=499) => {
            Outcome::Retry { failure, after: None }
        }
        outcome => outcome,
    })
}

async fn drain(mut body: Body) {
    let mut read = 0;
    while let Some(Ok(part)) = body.next().await {
        read += part.len() as u64;
        if read > DRAINED {
            return;
        }
    }
}

#[async_trait]
impl Handler for CallbackHandler {
    async fn run(&self, run: &Run) -> Outcome {
        match self.deliver(run).await {
            Ok(status) => Outcome::Ok(json!({"status": status.as_u16()})),
            Err(outcome) => outcome,
        }
    }
}

#[cfg(test)]
mod tests;
