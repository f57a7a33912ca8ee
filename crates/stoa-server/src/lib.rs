//! The HTTP edge of stoa.
//!
//! ```text
//! connection -> request id -> hot cache (GOPROXY files in memory)
//!                          -> GOPROXY request -> the Protocol pipeline
//!                          -> /sumdb/... -> the checksum databases
//!                          -> service routes (axum): /, /healthz, /readyz, /version, /metrics, /robots.txt
//!                                                    and, past the AdminGuard, /api/v1
//!            -> access log and metrics, when the body has ended
//! ```
//!
//! * [`Edge`] is one hyper service for all of it. Hits are answered in front of the router; ADR 0003 has the measurements.
//! * [`serve()`] owns the connections of one listener and drains them.
//! * [`status_of`] turns the meaning of an error into a status, and nothing else does.

mod access_log;
mod admin;
mod admin_token;
mod answering;
mod api;
mod body;
mod conditional;
mod edge;
mod finish;
mod goproxy;
mod home;
mod hot_cache;
mod lane_metrics;
mod listen;
mod local;
mod log_sink;
mod metered;
mod metrics;
mod peer;
mod problem;
mod readiness;
mod request_id;
mod request_path;
mod serve;
mod service_routes;
mod status;
mod subject;
mod sum_metrics;
mod tls;
mod vcs_metrics;

pub use access_log::{AccessLog, LogFormat};
pub use admin::AdminGuard;
pub use admin_token::{AdminToken, AdminTokenError, BadToken};
pub use body::{Body, BodyError};
pub use edge::{Edge, EdgeOptions, EdgeParts};
pub use listen::{Listen, Listener};
pub use log_sink::{LogSink, LogWriter};
pub use metered::Metered;
pub use metrics::Metrics;
pub use readiness::Readiness;
pub use request_path::{BadPath, PathPrefix};
pub use serve::{ServeOptions, serve};
pub use status::{error_text, status_of};
pub use tls::{Tls, TlsError, TlsFiles};
pub use vcs_metrics::VcsCounts;
