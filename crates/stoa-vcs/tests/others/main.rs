//! The adapters for hg, svn, bzr and fossil, with repositories that their own programs made.

#![allow(
    clippy::disallowed_methods,
    reason = "the tests ask servers on 127.0.0.1 and what is on the disk"
)]

mod bzr;
mod copies;
mod egress;
mod faults;
mod fossil;
mod guarded;
mod hg;
mod leftovers;
mod references;
mod stalls;
mod svn;
