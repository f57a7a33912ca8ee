//! The HTTP edge of stoa.
//!
//! ```text
//! connection -> request_id -> span -> gate -> hot_memory  (GOPROXY files that were asked for lately)
//!                                          -> mounts      (parts with paths of their own: /api/v1, /, /healthz, ...)
//!                                          -> goproxy     (checksum databases; release archives; modules by the Protocol pipeline)
//!            -> access line and metrics, when the body has ended
//! ```
//!
//! * [`Edge`] is one hyper service for all of it, and prints this order. Hits in memory are answered without a parse or a
//!   task switch; ADR 0003 has the measurements.
//! * A [`Gate`] judges who asks and whether they may, before anything is answered.
//! * A [`Mount`] is a part with a path of its own, behind a [`Guard`]. The edge knows none of them by name; answers stream.
//! * [`serve()`] owns the connections of one listener and drains them.
//! * [`status_of`] turns the meaning of an error into a status, and nothing else does.

mod access_log;
mod activity;
mod admin;
mod admin_log;
mod admin_token;
mod answering;
mod api;
mod body;
mod body_error;
mod conditional;
mod connection;
mod downloader;
mod drain;
mod edge;
mod edge_state;
mod event_boundary;
mod external;
mod finish;
mod forward;
mod gate;
mod goproxy;
mod greeting;
mod guard;
mod heads;
mod home;
mod hosts;
mod hot_cache;
mod http2;
mod http2_body;
mod http2_reply;
mod index_mount;
mod inert;
mod job_metrics;
mod kafka;
mod links;
mod listen;
mod local_places;
mod metrics;
mod mount;
mod mounted;
mod mounted_body;
mod mounts;
mod network;
mod outlet;
mod peer;
mod peer_mount;
mod peer_reply;
mod pieces;
mod problem;
mod read_ahead;
mod readiness;
mod releasing;
mod request_id;
mod request_path;
mod resettable;
mod serve;
mod service_routes;
mod shares;
mod status;
mod subject;
mod tls;
mod turn;
mod webhook_secret;
mod write_deadline;

pub use access_log::AccessLog;
pub use admin::AdminGuard;
pub use admin_log::AdminLog;
pub use admin_token::{AdminToken, AdminTokenError, TokenError};
pub use api::{
    ClusterControl, ClusterNode, ClusterStatus, DrainError, Ownership, StorageDesk, StorageIndex,
    aggregations_mount, api_mount, api_routes, callbacks_mount, cluster_mount, events_mount, jobs_mount,
    lanes_mount, refresh_mount, storage_mount, webhook_mount,
};
pub use body::Body;
pub use body_error::BodyError;
pub use downloader::downloader_mounts;
pub use drain::DrainToken;
pub use edge::{Edge, EdgeOptions, EdgeParts};
pub use external::{ExternalStore, external_mount};
pub use gate::{Gate, GateQuestion, GateRefusal, Judgement};
pub use guard::{Guard, OpenGuard};
pub use hosts::HostPattern;
pub use index_mount::index_mounts;
pub use job_metrics::{JobGauges, JobMetrics};
pub use links::Links;
pub use listen::{Listen, Listener};
pub use local_places::LocalPlaces;
pub use metrics::EdgeMetrics;
pub use mount::{Mount, MountError};
pub use network::Network;
pub use peer::Peer;
pub use peer_mount::{PeerEndpoint, peer_mount};
pub use peer_reply::{DeskAnswer, PeerDesk};
pub use problem::Problem;
pub use readiness::{Condition, Readiness};
pub use request_path::{PathError, PathPrefix};
pub use serve::{ConnectionLimits, ServeOptions, serve};
pub use service_routes::{ServicePages, metrics_mount};
pub use status::{error_text, status_of};
pub use stoa_telemetry::LogFormat;
pub use subject::Subject;
pub use tls::{Tls, TlsError, TlsFiles};
pub use webhook_secret::{WebhookSecret, WebhookSecretError};
