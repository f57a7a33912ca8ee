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
//! [`discovery`] finds the repository of a module path, which is where `direct` begins; `stoa-code-repo` makes modules of it.
//!
//! Each question has a [`Context`]. Its urgency reaches the lanes, also that of callers who share a request; its deadline
//! ends its caller's wait. At `debug`, each source, page, repository and body writes a line in the span of the question.
//!
//! Nothing here stores, verifies or caches modules: that is `stoa-proxy`.

mod base_url;
mod body;
mod chain;
mod chain_rest;
mod context;
pub mod credentials;
mod direct;
mod direct_module;
pub mod discovery;
mod error;
mod fetched;
mod fetcher;
mod file;
mod handles;
mod limits;
mod list_error;
mod listed_latest;
mod named_repository;
mod off;
pub mod outbound;
mod paced_repository;
mod passed;
mod question;
mod recent_repositories;
mod registered;
mod release_server;
mod renew;
mod repositories;
mod repository_error;
mod route;
mod server;
mod services;
mod setting_error;
mod share;
mod shown_url;
mod small_files;
mod step;
mod upstream;
mod upstream_list;
mod upstream_rest;
mod whole_answer;

pub use base_url::BaseUrl;
pub use body::Body;
pub use chain::Chain;
pub use context::{Caller, Context, Hops, Trace};
pub use direct::{Direct, DirectOptions};
pub use direct_module::DirectModule;
pub use error::{FetchError, NotFound, Phase, Reply, SourceName};
pub use fetched::{Fetched, Rest};
pub use fetcher::Fetcher;
pub use file::FileTree;
pub use limits::{Deadlines, Limits};
pub use list_error::ListError;
pub use off::Off;
pub use outbound::{HttpClient, OutboundRules};
pub use passed::{InCircles, Passed, ProxyName};
pub use question::Question;
pub use registered::{Registered, may_another, no_server};
pub use release_server::ReleaseServer;
pub use renew::{Renew, RepositoryPlace, RepositoryPlaceError};
pub use repositories::{OpenRepository, Repositories, RepositoriesOptions};
pub use route::{Route, Routes};
pub use services::{Services, ServicesSlot};
pub use setting_error::SettingError;
pub use share::share_of;
pub use small_files::SmallFiles;
pub use upstream::Upstream;
pub use upstream_list::{Entry, Fallback, UpstreamList};
