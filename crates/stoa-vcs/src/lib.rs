//! Repositories of version control systems, behind one port.
//!
//! A [`Repository`] answers what a module proxy asks of one: which tags there are, what a revision is, what a file holds,
//! whether one commit descends from another, and all files of a folder. It knows nothing of Go modules.
//!
//! The adapters run the programs of each system, isolated from the configuration of the host, bounded in number, time,
//! output, memory and disk. [`process`] runs them, [`cache`] keeps what they fetch, of all systems within one
//! bound. [`git`] fetches no more than a question needs; [`HgRepository`], [`BzrRepository`] and [`FossilRepository`] copy
//! the repository, and [`SvnRepository`] asks its server.
//!
//! [`Credentials`] reach a program in files that only this user can read, for as long as it runs. [`Egress`] judges the
//! connections of programs. Every adapter passes the suite of [`conformance`].

mod address;
mod archive;
mod bzr;
pub mod cache;
mod certificate;
mod client;
mod clock;
pub mod conformance;
mod credentials;
mod egress;
mod error;
mod fossil;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod git;
mod hg;
mod kind;
mod leftovers;
mod local_copy;
mod options;
pub mod process;
mod quota;
mod renewal;
mod repository;
mod revision;
mod session;
mod ssh;
mod svn;
mod tags;
mod tar;

pub use archive::{Archive, ContentId, Entry, EntryKind, KnownContents};
pub use bzr::BzrRepository;
pub use credentials::{Credential, Credentials};
pub use egress::{Authority, Egress, EgressError, HttpProxy, NamedBy, ProxySession};
pub use error::{Step, VcsError};
pub use fossil::FossilRepository;
pub use hg::HgRepository;
pub use kind::{UnknownVcsError, VcsKind};
pub use options::RepositoryOptions;
pub use renewal::Renewal;
pub use repository::Repository;
pub use revision::{Revision, RevisionId};
pub use svn::SvnRepository;
pub use tags::{Tag, Tags};
