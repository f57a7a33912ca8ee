//! `/api/v1/webhook`: a host of repositories says that somebody has pushed.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde::Serialize;
use serde_json::Value;
use stoa_fetch::RepositoryPlace;
use stoa_proxy::Refreshes;
use tokio::sync::Semaphore;

use super::json::{Json, read_body};
use crate::{WebhookSecret, problem::Problem};

/// The longest body, in bytes: a push of two thousand commits.
pub(super) const MAX_BODY: usize = 5 << 20;
/// So many bodies are read at once: whether one is signed is known only at its end.
const AT_ONCE: usize = 4;

/// What the route needs.
#[derive(Clone, Debug)]
pub(super) struct Webhooks {
    refreshes: Arc<Refreshes>,
    secret: WebhookSecret,
    places: Arc<Semaphore>,
}

impl Webhooks {
    pub(super) fn new(refreshes: Arc<Refreshes>, secret: WebhookSecret) -> Self {
        Self {
            refreshes,
            secret,
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

/// The route, whole.
pub(super) fn routes(path: &str) -> Router<Webhooks> {
    Router::new().route(path, post(pushed))
}

#[derive(Debug, Serialize)]
struct Refreshed {
    refreshed: Vec<String>,
}

async fn pushed(State(webhooks): State<Webhooks>, request: Request) -> Result<Json<Refreshed>, Problem> {
    let Ok(_place) = webhooks.places.try_acquire() else {
        let busy = format!("{AT_ONCE} webhooks are being read; send it again");
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, busy));
    };
    let headers = request.headers().clone();
    let body = read_body(request).await?;
    if !is_authentic(&headers, &body, &webhooks.secret) {
        tracing::warn!(
            "a webhook was refused: its signature is missing, or not made with the secret of webhook.secret_file"
        );
        let detail = "the signature is missing, or is not made with the secret of webhook.secret_file";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, detail));
    }
    let bad = |detail: &str| Problem::new(StatusCode::BAD_REQUEST, detail);
    let json: Value = serde_json::from_slice(&body).map_err(|error| {
        bad(&format!(
            "the body makes no sense: {error}; let the host send JSON"
        ))
    })?;
    let places = places(&json);
    if places.is_empty() {
        return Err(bad("the body names no repository"));
    }
    let modules = places.iter().map(|place| webhooks.refreshes.repository(place));
    let refreshed: Vec<_> = modules.map(|modules| modules.to_string()).collect();
    tracing::info!(
        modules = refreshed.join(","),
        "a host says that there is something new"
    );
    Ok(Json(Refreshed { refreshed }))
}

/// Whether the sender knows the secret. GitHub, Gitea, Forgejo and Bitbucket sign the body; GitLab sends the secret.
fn is_authentic(headers: &HeaderMap, body: &[u8], secret: &WebhookSecret) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signed = |name| header(name).map(|value| value.strip_prefix("sha256=").unwrap_or(value));
    // Bitbucket has the name that GitHub had for a signature of SHA-1, which is no hexadecimal of the right length.
    let names = [
        "x-hub-signature-256",
        "x-gitea-signature",
        "x-forgejo-signature",
        "x-hub-signature",
    ];
    let signature = names.into_iter().find_map(signed);
    match (signature, header("x-gitlab-token")) {
        (Some(signature), _) => secret.has_signed(body, signature),
        (None, Some(token)) => secret.is(token.as_bytes()),
        (None, None) => false,
    }
}

/// Where the repository is, of all that the hosts say of it.
fn places(json: &Value) -> Vec<RepositoryPlace> {
    // GitHub, Gitea, Forgejo; GitLab; Bitbucket's cloud and server.
    const URLS: [&str; 12] = [
        "/repository/clone_url",
        "/repository/html_url",
        "/repository/ssh_url",
        "/repository/git_http_url",
        "/repository/git_ssh_url",
        "/repository/links/html/href",
        "/project/web_url",
        "/project/git_http_url",
        "/project/git_ssh_url",
        "/repository/links/clone/0/href",
        "/repository/links/clone/1/href",
        "/repository/homepage",
    ];
    let mut places: Vec<RepositoryPlace> = Vec::new();
    for url in URLS {
        let place = json.pointer(url).and_then(Value::as_str);
        if let Some(place) = place.and_then(|url| url.parse().ok())
            && !places.contains(&place)
        {
            places.push(place);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_says_where_its_repository_is() {
        for (json, want) in [
            (
                r#"{"ref":"refs/tags/v1.0.0","repository":{"full_name":"corp/tool","html_url":"https://github.com/corp/tool",
                   "clone_url":"https://github.com/corp/tool.git","ssh_url":"git@github.com:corp/tool.git"}}"#,
                &["github.com/corp/tool"][..],
            ),
            (
                r#"{"object_kind":"tag_push","project":{"web_url":"https://gitlab.corp.example/a/b/tool",
                   "git_ssh_url":"git@ssh.corp.example:a/b/tool.git","git_http_url":"https://gitlab.corp.example/a/b/tool.git"}}"#,
                &["gitlab.corp.example/a/b/tool", "ssh.corp.example/a/b/tool"],
            ),
            (
                r#"{"push":{},"repository":{"links":{"html":{"href":"https://bitbucket.org/corp/tool"}}}}"#,
                &["bitbucket.org/corp/tool"],
            ),
            (
                r#"{"eventKey":"repo:refs_changed","repository":{"links":{"clone":[
                   {"href":"ssh://git@bb.corp.example:7999/team/tool.git","name":"ssh"},
                   {"href":"https://bb.corp.example/scm/team/tool.git","name":"http"}]}}}"#,
                &["bb.corp.example/team/tool", "bb.corp.example/scm/team/tool"],
            ),
            (r#"{"zen":"Keep it logically awesome."}"#, &[]),
            (r#"{"repository":{"clone_url":"https://h.example/*,x"}}"#, &[]),
            (r#"{"repository":["x"]}"#, &[]),
        ] {
            let places = places(&serde_json::from_str(json).expect(json));
            let places: Vec<_> = places.iter().map(RepositoryPlace::as_str).collect();
            assert_eq!(places, want, "{json}");
        }
    }
}
