//! `/api/v1/webhook`: a host of repositories says that somebody has pushed.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use http_body::Body as _;
use serde::{Deserialize, Serialize};
use stoa_dispatch::{Quota, QuotaPermit, Share};
use stoa_fetch::RepositoryPlace;
use stoa_proxy::Refreshes;

use super::json::{Json, read_body};
use crate::{WebhookSecret, peer::Peer, problem::Problem};

/// The longest body, in bytes: a push of two thousand commits.
pub(super) const MAX_BODY: usize = 5 << 20;
/// Longer ones have fewer places.
const LARGE: u64 = 256 << 10;
/// So many bodies that are not large are read at once, and so many that are: whether one is signed is known only at its end.
const PLACES: usize = 64;
const LARGE_PLACES: usize = 8;
/// So many ways to clone a repository are looked at.
const MOST_LINKS: usize = 4;

/// What the route needs.
#[derive(Clone, Debug)]
pub(super) struct Webhooks {
    refreshes: Arc<Refreshes>,
    secret: Option<WebhookSecret>,
    places: Quota,
    large_places: Quota,
}

impl Webhooks {
    pub(super) fn new(refreshes: Arc<Refreshes>, secret: Option<WebhookSecret>) -> Self {
        Self {
            refreshes,
            secret,
            places: Quota::new(PLACES),
            large_places: Quota::new(LARGE_PLACES),
        }
    }

    /// A place to read a body of this length in. No address has all of them.
    fn place(&self, request: &Request) -> Option<QuotaPermit> {
        let share = match request.extensions().get::<Peer>() {
            Some(Peer::Tcp(address)) => Share::named(&address.ip().to_string()),
            Some(Peer::Unix) | None => Share::NONE,
        };
        let len = request.body().size_hint().upper();
        let is_large = len.is_none_or(|len| len > LARGE);
        let places = if is_large {
            &self.large_places
        } else {
            &self.places
        };
        places.try_take(&share)
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
    let Some(secret) = &webhooks.secret else {
        tracing::warn!("a webhook came, and was refused: webhook.secret_file is not set");
        return Err(Problem::new(StatusCode::UNAUTHORIZED, REFUSED));
    };
    // Nothing is read for who shows nothing that could be right.
    let proof = Proof::of(request.headers(), secret).ok_or_else(refused)?;
    let busy = || {
        let detail = "too many webhooks are being read; send it again";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    };
    let _place = webhooks.place(&request).ok_or_else(busy)?;
    let body = read_body(request).await?;
    if !proof.holds(&body, secret) {
        return Err(refused());
    }
    let bad = |detail: &str| Problem::new(StatusCode::BAD_REQUEST, detail);
    let payload: Payload = serde_json::from_slice(&body).map_err(|error| {
        bad(&format!(
            "the body makes no sense: {error}; let the host send JSON"
        ))
    })?;
    if payload.repository.is_none() && payload.project.is_none() {
        // A ping, or something that happened to an organisation or a group: the host wants to hear that it arrived.
        return Ok(Json(Refreshed {
            refreshed: Vec::new(),
        }));
    }
    let places = places(&payload);
    if places.is_empty() {
        return Err(bad("the body says of no repository where it is"));
    }
    let mut refreshed = Vec::new();
    for place in &places {
        for module in webhooks.refreshes.repository(place).globs() {
            if !refreshed.iter().any(|known| known == module) {
                refreshed.push(module.to_owned());
            }
        }
    }
    tracing::info!(
        modules = refreshed.join(","),
        "a host says that there is something new"
    );
    Ok(Json(Refreshed { refreshed }))
}

const REFUSED: &str = "the signature is missing, or is not made with the secret of webhook.secret_file";

fn refused() -> Problem {
    tracing::warn!(
        "a webhook was refused: its signature is missing, or not made with the secret of webhook.secret_file"
    );
    Problem::new(StatusCode::UNAUTHORIZED, REFUSED)
}

/// What shows that the sender knows the secret. GitHub, Gitea, Forgejo and Bitbucket sign the body; GitLab sends the secret.
enum Proof {
    Signature(String),
    Secret,
}

impl Proof {
    /// That of a request, unless it is wrong whatever the body is.
    fn of(headers: &HeaderMap, secret: &WebhookSecret) -> Option<Self> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let signed = |name| header(name).map(|value| value.strip_prefix("sha256=").unwrap_or(value));
        // Bitbucket has the name that GitHub had for a signature of SHA-1, which is shorter.
        let names = [
            "x-hub-signature-256",
            "x-gitea-signature",
            "x-forgejo-signature",
            "x-hub-signature",
        ];
        if let Some(signature) = names.into_iter().find_map(signed) {
            let is_one = signature.len() == 64 && signature.bytes().all(|byte| byte.is_ascii_hexdigit());
            return is_one.then(|| Self::Signature(signature.to_owned()));
        }
        let token = header("x-gitlab-token")?;
        secret.is(token.as_bytes()).then_some(Self::Secret)
    }

    fn holds(&self, body: &[u8], secret: &WebhookSecret) -> bool {
        match self {
            Self::Signature(signature) => secret.has_signed(body, signature),
            Self::Secret => true,
        }
    }
}

/// What is read of a body: where the repository is, in the words of each host.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Payload {
    /// GitHub, Gitea, Forgejo, Bitbucket.
    repository: Option<Place>,
    /// GitLab.
    project: Option<Place>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Place {
    clone_url: Option<String>,
    html_url: Option<String>,
    ssh_url: Option<String>,
    web_url: Option<String>,
    git_http_url: Option<String>,
    git_ssh_url: Option<String>,
    links: Option<Links>,
}

/// Those of Bitbucket: its cloud has `html`, its server has `clone`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Links {
    html: Option<Link>,
    clone: Option<Vec<Link>>,
}

#[derive(Debug, Deserialize)]
struct Link {
    href: String,
}

/// Where the repository is, of all that the hosts say of it.
fn places(payload: &Payload) -> Vec<RepositoryPlace> {
    let mut places: Vec<RepositoryPlace> = Vec::new();
    for place in [&payload.repository, &payload.project].into_iter().flatten() {
        let urls = [
            &place.clone_url,
            &place.html_url,
            &place.ssh_url,
            &place.web_url,
            &place.git_http_url,
            &place.git_ssh_url,
        ];
        let links = place.links.iter();
        let links = links.flat_map(|links| links.html.iter().chain(links.clone.iter().flatten()));
        let links = links.take(MOST_LINKS).map(|link| &link.href);
        let urls = urls.into_iter().flatten().chain(links);
        for place in urls.filter_map(|url| url.parse().ok()) {
            if !places.contains(&place) {
                places.push(place);
            }
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
        ] {
            let places = places(&serde_json::from_str(json).expect(json));
            let places: Vec<_> = places.iter().map(RepositoryPlace::as_str).collect();
            assert_eq!(places, want, "{json}");
        }
    }
}
