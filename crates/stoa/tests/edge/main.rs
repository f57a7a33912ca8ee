//! The real binary over real sockets: what it answers, what it refuses, and how it fails.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "these are tests")]

mod admin;
mod api;
mod browsers;
mod caching;
mod circles;
mod conditional;
mod configuration;
mod disk;
mod dispatch;
mod door;
mod drain;
mod failures;
mod flight;
mod hostile;
mod hosts;
mod http2;
mod lists;
mod logs;
mod long_lists;
mod metrics;
mod pages;
mod places;
mod raw_http2;
mod readers;
mod relay;
mod silence;
mod sockets;
mod start;
mod strangers;
mod support;
mod tls;
mod unread;
