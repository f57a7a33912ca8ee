//! From a module path to its repository.
//!
//! The rules are the go command's (`cmd/go/internal/vcs`); each item names the function that it follows, and says where
//! it does not.

mod elements;
mod go_import;
mod markup;
mod static_root;

pub use go_import::{GoImport, ModTags, NoMatch, match_go_import, parse_go_imports};
pub use markup::MarkupError;
pub use static_root::{NoStaticRoot, StaticRoot, static_root, suffix_root};
