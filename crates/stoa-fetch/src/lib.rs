//! Where Go modules come from.
//!
//! A [`Fetcher`] answers one [`Question`] of the GOPROXY protocol with a body that is read as it arrives. Three layers compose, outermost first:
//!
//! ```text
//! routes      which list serves this module path (first matching pattern wins)
//! chain       the GOPROXY list: `,` goes on after not-found, `|` after any error
//! upstream    one GOPROXY server or `file://` tree; or `off`, or `direct`
//! ```
//!
//! The crate keeps every byte as the source sent it. It bounds each body while it streams and tells a missing module
//! from a source that failed: only the first is [`FetchError::NotFound`]. Every HTTP request goes through a
//! [`stoa_dispatch::Pool`], which has the deadlines, queues, rates and breakers.
//!
//! [`discovery`] finds the repository of a module path, which is where `direct` begins.
//!
//! Nothing here stores, verifies or caches: that is `stoa-proxy`.

mod authorization;
mod body;
mod chain;
pub mod code_repo;
mod context;
pub mod credentials;
mod direct;
pub mod discovery;
mod egress;
mod error;
mod fetcher;
mod file;
mod http_client;
mod limits;
mod outbound_rules;
mod question;
mod recent_repositories;
mod redirect;
mod repositories;
mod route;
mod small_files;
mod upstream;
mod upstream_list;

pub use body::Body;
pub use chain::Chain;
pub use context::{Caller, Context, Hops, Trace};
pub use direct::{Direct, DirectOptions, Off};
pub use error::{FetchError, NotFound, Phase, Reply, SourceName};
pub use fetcher::{Fetched, Fetcher};
pub use file::FileTree;
pub use http_client::HttpClient;
pub use limits::{Deadlines, Limits};
pub use outbound_rules::OutboundRules;
pub use question::Question;
pub use repositories::{OpenRepository, Repositories, RepositoriesOptions};
pub use route::{Route, Routes};
pub use small_files::SmallFiles;
pub use upstream::{BaseUrl, Upstream};
pub use upstream_list::{Entry, Fallback, ListError, UpstreamList};
