//! The spans of a request's way, named in one place.
//!
//! | span | fields | opened by | level |
//! |---|---|---|---|
//! | `request` | `id` | the edge, for what it does not answer from memory | info |
//! | `flight` | `id`, `requests` | the single flight, see [`FlightSpan`](crate::FlightSpan) | info |
//! | `fetch` | `resource` | the outermost fetcher | debug |
//! | `lane` | `host` | the client that hands a request to a lane | debug |
//!
//! A request's span ends with its answer. A flight is shared by requests, so its span has no parent: it names the
//! requests in a field.

use std::fmt;

use tracing::{Span, debug_span, info_span};

/// The span of one request, found by its id.
pub fn request(id: &str) -> Span {
    info_span!("request", id)
}

/// The span of one question to a source, inside of its flight.
pub fn fetch(resource: impl fmt::Display) -> Span {
    debug_span!("fetch", %resource)
}

/// The span of one outbound request while it is in the lane of its host.
pub fn lane(host: &str) -> Span {
    debug_span!("lane", host)
}
