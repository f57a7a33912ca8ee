//! The suite every storage passes.
