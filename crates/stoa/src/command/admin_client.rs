//! Talks to the API of a running server.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use http::{HeaderValue, Method, Request, StatusCode, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;
use stoa_dispatch::{
    BreakerMode, BreakerSettings, HttpOptions, HttpTransports, LaneSettings, Pool, RequestBody, Task,
};
use stoa_server::{AdminToken, Listen};

use crate::{
    admin_token::{self, SETTING},
    command_error::CommandError,
    config::Config,
};

/// An answer takes no longer, or the server is not well.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 16 << 20;
/// What a path element may not hold as it is.
const ELEMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// What a value of a query string may not hold as it is.
const QUERY: &AsciiSet = &ELEMENT.add(b'&').add(b'=').add(b'+');

/// The API of one server.
#[derive(Debug)]
pub(crate) struct AdminClient {
    pool: Pool,
    base: String,
    token: Option<HeaderValue>,
}

impl AdminClient {
    /// The server at `server`, or the one that this configuration starts, with the token of `token_file` or of the
    /// configuration. A token that a server has made is presented on this machine only. Must be called within a runtime.
    pub(crate) fn new(
        config: &Config,
        server: Option<&str>,
        token_file: Option<&Path>,
    ) -> Result<Self, CommandError> {
        let socket = |path: PathBuf| (format!("http://localhost{}", config.edge.prefix), Some(path));
        let named = server.map(|server| server.strip_prefix("unix:").ok_or(server));
        let (base, unix_socket) = match (named, &config.edge.listen) {
            (Some(Ok(path)), _) => socket(path.into()),
            (Some(Err(url)), _) => (url.trim_end_matches('/').to_owned(), None),
            (None, Listen::Unix(path)) => socket(path.clone()),
            (None, Listen::Tcp(address)) => {
                let scheme = if config.tls.files.is_some() {
                    "https"
                } else {
                    "http"
                };
                let address = address
                    .replacen("0.0.0.0:", "127.0.0.1:", 1)
                    .replacen("[::]:", "[::1]:", 1);
                (format!("{scheme}://{address}{}", config.edge.prefix), None)
            }
        };
        let configured = |file: &PathBuf| {
            let value = AdminToken::authorization(file);
            value.map_err(|error| CommandError::from(config.fault(SETTING, error)))
        };
        let token = match (token_file, &config.admin.token_file) {
            (Some(file), _) => Some(AdminToken::authorization(file).map_err(CommandError::new)?),
            (None, Some(file)) => Some(configured(file)?),
            (None, None) if server.is_none_or(is_here) => admin_token::of_client(config)?,
            (None, None) => None,
        };
        let options = HttpOptions {
            user_agent: Some(concat!("stoa/", env!("CARGO_PKG_VERSION")).to_owned()),
            unix_socket,
            authorities: config.tls.authorities.clone(),
            ..HttpOptions::default()
        };
        let settings = LaneSettings {
            deadline: TIMEOUT,
            breaker: BreakerSettings {
                mode: BreakerMode::Disabled,
                ..BreakerSettings::default()
            },
            ..LaneSettings::default()
        };
        let pool = Pool::builder(Arc::new(HttpTransports::new(options)))
            .settings(settings)
            .start();
        Ok(Self { pool, base, token })
    }

    /// Asks, and reads the JSON of the answer. What the server says of an error is the failure's text.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Value, CommandError> {
        self.ask_about(method, path, &[], body).await
    }

    /// Asks with a query string.
    pub(crate) async fn ask_about(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, CommandError> {
        let mut url = format!("{}/api/v1", self.base);
        for element in path {
            url.push('/');
            url.extend(utf8_percent_encode(element, ELEMENT));
        }
        for (index, (name, value)) in query.iter().enumerate() {
            url.push_str(if index == 0 { "?" } else { "&" });
            url.push_str(name);
            url.push('=');
            url.extend(utf8_percent_encode(value, QUERY));
        }
        let failed = |why: &dyn std::fmt::Display| CommandError::new(format!("{url}: {why}"));
        let content = body.map_or_else(RequestBody::empty, |body| body.to_string().into());
        let mut request = Request::new(content);
        *request.method_mut() = method;
        *request.uri_mut() = url.parse().map_err(|error| failed(&error))?;
        if body.is_some() {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        if let Some(token) = &self.token {
            request.headers_mut().insert(header::AUTHORIZATION, token.clone());
        }
        let task = Task::ready(request)
            .map_err(|error| failed(&error))?
            .retryable(false);
        let away = |error| {
            CommandError::unavailable(format!(
                "{url}: {error}: is the server running? --server or the configuration says where it is"
            ))
        };
        let response = self.pool.call(task).await.map_err(away)?;
        let status = response.status();
        let body = response.into_body().bytes(MAX_ANSWER).await;
        let body = body.map_err(|error| failed(&error))?;
        let body = body.ok_or_else(|| failed(&"the answer is too large"))?;
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let answer: Value = serde_json::from_slice(&body).map_err(|_| {
            failed(&format!(
                "the answer is {status} and no JSON: is this a stoa server?"
            ))
        })?;
        if status.is_success() {
            return Ok(answer);
        }
        let detail = answer["detail"].as_str().unwrap_or("no detail");
        let advice = match status {
            StatusCode::UNAUTHORIZED => "; here, --token-file names it",
            _ => "",
        };
        let text = format!("{status}: {detail}{advice}");
        Err(match status {
            StatusCode::SERVICE_UNAVAILABLE => CommandError::unavailable(text),
            _ => CommandError::new(text),
        })
    }
}

/// Whether a URL is of this machine, whoever is asked for its address.
fn is_here(url: &str) -> bool {
    if url.starts_with("unix:") {
        return true;
    }
    let Ok(url) = url::Url::parse(url) else {
        return false;
    };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}
