//! Stores and engines, from outside.

mod adapters;
mod engine;
mod scripted;
