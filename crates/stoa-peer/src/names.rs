//! The path and the headers that server and client agree on.

use http::HeaderName;

/// Where a hello is posted to.
pub const HELLO_PATH: &str = "/_peer/v1/hello";

/// The header that names the session of a request.
pub const SESSION: HeaderName = HeaderName::from_static("stoa-peer-session");

/// The header that numbers the request in its session.
pub const SEQUENCE: HeaderName = HeaderName::from_static("stoa-peer-sequence");

/// The header that proves who sends the request.
pub const MAC: HeaderName = HeaderName::from_static("stoa-peer-mac");

/// The header of an answer that is a [`Refusal`](crate::Refusal). `unknown-session` in it says: hello again.
pub const REFUSED: HeaderName = HeaderName::from_static("stoa-peer-refused");
