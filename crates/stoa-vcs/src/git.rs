//! Git.
//!
//! A [`GitRepository`] asks the server for its refs, and fetches into a local copy no more than a question needs: a
//! commit with its trees, then single files, then all files of a folder, and the history without trees when a hash is
//! unknown or ancestors matter. Where the server cannot leave anything out, it fetches more.
//!
//! Reading never fetches by itself (git's lazy fetching is off): a hash that a stranger made up, or that of an unmerged
//! change, must not bring in a commit that no branch and no tag reaches.
//!
//! # Deviation
//!
//! From cmd/go, where it depends on what happens to be fetched already, or mixes up names:
//!
//! * cmd/go takes the highest tag it happens to have fetched for the most recent one; here the whole history decides.
//! * cmd/go lets an object of its local copy that a short hash finds win over a tag or a branch of that name; here refs
//!   come first, always.
//! * cmd/go names a ref as the origin of a short hash that is the hash of a ref, but not when it finds it locally; here
//!   a hash has no ref.
//! * A tag of a file or a folder is a mistake of who made it, and no version; cmd/go calls it a failure of git.
//! * A commit that only a detached `HEAD` reaches is a revision; for cmd/go it is one until it has fetched all refs.
//! * A `stat` of `latest` is no special case: it may be a branch.

mod ancestry;
mod archive;
mod blobs;
mod commit;
mod connection;
mod fetch;
mod file_list;
mod files;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod index_path;
mod listing;
mod local;
mod objects;
mod options;
mod pack_index;
mod packet;
mod port;
mod program;
mod receive;
mod refs;
mod refs_memory;
mod repair;
mod repository;
mod resolve;
mod session;
mod state;
mod transfer;
mod tree;
mod upkeep;
mod url;
mod wire;

pub use options::{GitOptions, Probe};
pub use refs_memory::RefsMemory;
pub use repository::GitRepository;
pub use url::{RepoUrl, Transport};
