//! From a module path to its repository.
//!
//! The rules are the go command's (`cmd/go/internal/vcs`); each item names the function that it follows, and says where
//! it does not.

mod elements;
mod static_root;

pub use static_root::{NoStaticRoot, StaticRoot, static_root, suffix_root};
