//! Reading go.mod files (`golang.org/x/mod/modfile`).

mod auto_quote;
mod module_path;
mod unquote;

pub use auto_quote::{auto_quote, must_quote};
pub use module_path::module_path;
pub use unquote::StringError;
