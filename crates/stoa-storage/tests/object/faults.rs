//! Services that fail.
