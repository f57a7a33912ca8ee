//! Fetching against a scripted server on 127.0.0.1: what arrives, what fails and how, and who is asked.

#![expect(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod answers;
mod chains;
mod faults;
mod lanes;
mod redirects;
mod support;
