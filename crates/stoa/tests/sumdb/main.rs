//! The real binary between the real go command and a checksum database with a key of its own.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "these are tests")]

mod builds;
mod crowd;
mod drift;
mod heads;
mod kept;
mod outages;
mod passing;
mod private;
mod refusals;
mod support;
mod toolchain;
mod verify;
