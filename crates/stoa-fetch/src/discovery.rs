//! From a module path to its repository.
//!
//! ```text
//! mapping        what the configuration says
//! static         paths that name their repository: well-known hosts, and `.git` and the like in the path
//! page           the go-import tag on https://path?go-get=1, confirmed by the page of the prefix it names
//! after page     launchpad.net
//! ```
//!
//! The rules are the go command's (`cmd/go/internal/vcs`); each item names the function that it follows, and says where
//! it does not. [`Discovery`] puts them together; what is pure of them stands by itself: [`static_root()`],
//! [`parse_go_imports`], [`match_go_import`], [`Govcs`].
//!
//! Paths, pages and redirects are written by strangers. Every URL made of them is rewritten as the configuration says
//! ([`Rewrites`](crate::outbound::Rewrites)), then has to pass the
//! [`UrlGuard`](crate::outbound::UrlGuard), and one of a repository has to have a scheme of its system.

mod cursor;
mod elements;
mod error;
mod find;
mod go_import;
mod govcs;
mod kind;
mod mapping;
mod markup;
mod options;
mod page_source;
mod page_text;
mod pages;
mod ping;
mod policy;
mod repo_root;
mod repo_url;
mod shared_answers;
mod static_root;

pub use cursor::MarkupError;
pub use error::DiscoveryError;
pub use find::Discovery;
pub use go_import::{GoImport, GoImportError, ModTags, match_go_import, parse_go_imports};
pub use govcs::{Govcs, GovcsError};
pub use kind::RepoKind;
pub use mapping::{Mapping, Mappings};
pub use options::DiscoveryOptions;
pub use pages::{HttpPages, PAGE_LIMIT, Pages};
pub use ping::Ping;
pub use policy::VcsPolicy;
pub use repo_root::RepoRoot;
pub use repo_url::{RepoUrlError, check_repo_root, check_subdir, clamp_subdir};
pub use static_root::{StaticRoot, StaticRootError, static_root, suffix_root};
