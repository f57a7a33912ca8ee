//! The real binary as a mirror of release archives, and as what the go command switches its toolchain through.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "these are tests")]

mod archives;
mod away;
mod bad_archives;
mod indexes;
mod mirror;
mod places;
mod setups;
mod switches;
