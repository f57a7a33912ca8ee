//! Stores, from outside.

mod adapters;
