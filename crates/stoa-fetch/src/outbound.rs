//! What every outbound URL is held to, and the client that asks over HTTP.
//!
//! ```text
//! rewrites        where a URL leads instead
//! url_guard       which hosts it may lead to, and at which addresses
//! authorization   what is presented there
//! http_client     GET requests through the dispatcher, hop by hop
//! egress          the same rules for programs that open their own connections
//! ```
//!
//! URLs come from three places: the configuration, which is trusted; pages and redirects, which are written by strangers;
//! and programs of version control systems. [`OutboundRules`] hold for all of them.

mod answer;
mod authorization;
mod egress;
mod http_client;
mod page;
mod redirect;
mod rewrite;
mod rules;
mod scheme;
mod url_guard;

pub use http_client::HttpClient;
pub use page::Page;
pub use rewrite::{Rewrite, Rewrites};
pub use rules::OutboundRules;
pub use url_guard::{Access, PrivateHostError, UrlGuard};

pub(crate) use authorization::Authorization;
pub(crate) use egress::GuardedEgress;
pub(crate) use http_client::{BodyEnd, Get};
pub(crate) use redirect::RedirectError;
pub(crate) use scheme::is_secure_scheme;
