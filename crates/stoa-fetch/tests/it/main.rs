//! Fetching against a scripted server on 127.0.0.1: what arrives, what fails and how, and who is asked; discovery, held
//! to vectors printed by Go's own code as well.

#![expect(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod answers;
mod chains;
mod code_repos;
mod direct_module;
mod discovery;
mod discovery_pages;
mod discovery_tags;
mod faults;
mod lanes;
mod redirects;
mod repositories;
mod shared_pages;
mod support;
mod trust;
mod vectors;
mod world;
