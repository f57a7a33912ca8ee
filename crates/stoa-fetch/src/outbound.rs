//! What every outbound URL is held to, and the client that asks over HTTP.
//!
//! ```text
//! trust           what a request may use, because of the module that it is for
//! named_modules   which modules the configuration names
//! rewrites        where a URL leads instead
//! alias           what clients see of that: nothing
//! url_guard       which hosts it may lead to, and at which addresses
//! guards          the guard of each trust
//! authorization   what is presented there
//! http_client     GET requests through the dispatcher, hop by hop
//! egress          the same rules for programs that open their own connections
//! ```
//!
//! URLs come from three places: the configuration, which is trusted; pages and redirects, which are written by strangers;
//! and programs of version control systems. [`OutboundRules`] hold for all of them.

mod address;
mod alias;
mod answer;
mod authorization;
mod egress;
mod guards;
mod gunzip;
mod http_client;
mod named_modules;
mod page;
mod part;
mod path_failures;
mod redirect;
mod redirect_hosts;
mod rewrite;
mod rules;
mod scheme;
mod start;
mod trust;
mod url_guard;

pub use address::Address;
pub use guards::Guards;
pub use http_client::HttpClient;
pub use named_modules::{NamedModules, names_hosts};
pub use page::{Page, PageRequest};
pub use path_failures::PathFailures;
pub use redirect_hosts::RedirectHosts;
pub use rewrite::{Rewrite, Rewrites};
pub use rules::OutboundRules;
pub use trust::Trust;
pub use url_guard::{Access, PrivateHostError, UrlGuard};

pub(crate) use alias::Alias;
pub(crate) use authorization::Authorization;
pub(crate) use egress::GuardedEgress;
pub(crate) use part::{Part, Validator};
pub(crate) use path_failures::is_of_path;
pub(crate) use redirect::RedirectError;
pub(crate) use scheme::is_secure_scheme;
pub(crate) use start::{BodyEnd, Get, SaidBy};
