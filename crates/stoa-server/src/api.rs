//! `/api/v1`: the administration of this server.

mod callbacks;
mod cluster;
mod events;
mod jobs;
mod json;
mod lanes;
mod refresh;
mod storage;
mod webhook;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderValue, Method, StatusCode, Uri, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};
use stoa_dispatch::Pool;
use stoa_jobs::Engine;
use stoa_proxy::Refreshes;

pub use self::cluster::{ClusterControl, ClusterNode, ClusterStatus, DrainError, Ownership};
pub(crate) use self::json::read_body;
pub use self::storage::{StorageDesk, StorageIndex};
use self::webhook::Webhooks;
use crate::{
    WebhookSecret,
    guard::{Guard, OpenGuard},
    mount::Mount,
    problem::Problem,
};

/// `/api/v1/lanes`: shows and changes the lanes of `dispatcher`.
pub fn lanes_mount(dispatcher: Pool, guard: Arc<dyn Guard>) -> Mount {
    let routes = lanes::routes("/api/v1/lanes").with_state(dispatcher);
    Mount::new("/api/v1/lanes", guard, api_routes(routes))
}

/// `/api/v1/jobs`: takes jobs, shows them, and does to them what an operator wants.
pub fn jobs_mount(engine: Arc<Engine>, guard: Arc<dyn Guard>) -> Mount {
    let path = "/api/v1/jobs";
    let routes = jobs::routes(path).with_state(engine);
    Mount::new(path, guard, api_routes(routes)).with_max_body(jobs::MAX_BODY)
}

/// `/api/v1/aggregations`: shows and changes the limits that jobs share.
pub fn aggregations_mount(engine: Arc<Engine>, guard: Arc<dyn Guard>) -> Mount {
    let path = "/api/v1/aggregations";
    let routes = jobs::aggregation_routes(path).with_state(engine);
    Mount::new(path, guard, api_routes(routes))
}

/// `/api/v1/callbacks`: shows how the ends of jobs were told, and tells them once more.
pub fn callbacks_mount(engine: Arc<Engine>, guard: Arc<dyn Guard>) -> Mount {
    let path = "/api/v1/callbacks";
    let routes = callbacks::routes(path).with_state(engine);
    Mount::new(path, guard, api_routes(routes))
}

/// `/api/v1/events`: tells what happens to jobs, while it happens.
pub fn events_mount(engine: Arc<Engine>, guard: Arc<dyn Guard>) -> Mount {
    let path = "/api/v1/events";
    let routes = events::routes(path).with_state(events::Events::new(engine));
    Mount::new(path, guard, api_routes(routes))
}

/// `/api/v1/cluster`: shows the nodes of the cluster and who owns what, and drains nodes.
pub fn cluster_mount(control: Arc<dyn ClusterControl>, guard: Arc<dyn Guard>) -> Mount {
    let path = "/api/v1/cluster";
    let routes = cluster::routes(path).with_state(control);
    Mount::new(path, guard, api_routes(routes))
}

/// `/api/v1/storage`: shows what is stored, removes versions, makes room, and makes the index anew.
pub fn storage_mount(desk: StorageDesk, guard: Arc<dyn Guard>) -> Mount {
    let path = "/api/v1/storage";
    let routes = storage::routes(path).with_state(Arc::new(desk));
    Mount::new(path, guard, api_routes(routes))
}

/// `/api/v1/refresh`: takes the word of who is let in that modules have something new.
pub fn refresh_mount(refreshes: Arc<Refreshes>, guard: Arc<dyn Guard>) -> Mount {
    let path = "/api/v1/refresh";
    let routes = refresh::routes(path).with_state(refreshes);
    Mount::new(path, guard, api_routes(routes))
}

/// `/api/v1/webhook`: takes the word of hosts that know the secret. It is open: what is sent is signed, and the sender
/// knows no other token. Without a secret nothing is believed, and the log says what to set.
pub fn webhook_mount(refreshes: Arc<Refreshes>, secret: Option<WebhookSecret>) -> Mount {
    let path = "/api/v1/webhook";
    let routes = webhook::routes(path).with_state(Webhooks::new(refreshes, secret));
    Mount::new(path, Arc::new(OpenGuard), api_routes(routes)).with_max_body(webhook::MAX_BODY)
}

/// `/api/v1`: the version of this server, and the answer to what no other part of the API has.
pub fn api_mount(version: &'static str, guard: Arc<dyn Guard>) -> Mount {
    let show = get(move || async move {
        let body = serde_json::json!({ "version": version }).to_string();
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    });
    let routes = Router::new().route("/api/v1/version", show);
    Mount::new("/api/v1", guard, api_routes(routes))
}

/// Routes in the manner of the API: what is not there is a [`Problem`] too, and no cache keeps an answer.
pub fn api_routes(routes: Router) -> Router {
    let no_store = async |mut response: Response| {
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().insert(header::CACHE_CONTROL, no_store);
        response
    };
    routes
        .fallback(unknown)
        .method_not_allowed_fallback(other_method)
        .layer(map_response(no_store))
}

async fn unknown(uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("nothing is at {}", uri.path()))
}

async fn other_method(method: Method) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} means nothing here; the Allow header names what does"),
    )
}
