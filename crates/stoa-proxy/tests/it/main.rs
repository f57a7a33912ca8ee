//! The layers one by one against scripted neighbours, and the whole pipeline against a scripted server.

#![expect(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod admission;
mod checksums;
mod cluster;
mod contexts;
mod fake;
mod fallback;
mod lab;
mod mirrors;
mod modes;
mod module_jobs;
mod module_queries;
mod negatives;
mod owner_route;
mod peer_client;
mod pool;
mod resolved_info;
mod revalidation;
mod rivals;
mod simulation;
mod single_flight;
mod slow_storage;
mod small_files;
mod stack;
mod storage_first;
mod verify;
mod zips;
