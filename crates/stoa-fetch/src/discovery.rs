//! From a module path to its repository.
//!
//! The rules are the go command's (`cmd/go/internal/vcs`); each item names the function that it follows, and says where
//! it does not.

mod address;
mod elements;
mod error;
mod go_import;
mod govcs;
mod kind;
mod mapping;
mod markup;
mod pages;
mod ping;
mod policy;
mod repo_url;
mod rewrite;
mod static_root;

pub use address::{NotPublic, UrlGuard, is_public};
pub use error::{BadSetting, DiscoveryError};
pub use go_import::{GoImport, ModTags, NoMatch, match_go_import, parse_go_imports};
pub use govcs::{Govcs, GovcsError};
pub use kind::RepoKind;
pub use mapping::{Mapping, Mappings};
pub use markup::MarkupError;
pub use pages::{HttpPages, PAGE_LIMIT, Page, Pages};
pub use ping::Ping;
pub use policy::VcsPolicy;
pub use repo_url::{BadRepo, check_repo_root, check_subdir, clamp_subdir};
pub use rewrite::{Rewrite, Rewrites};
pub use static_root::{NoStaticRoot, StaticRoot, static_root, suffix_root};
