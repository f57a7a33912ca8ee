//! What holds between two nodes, whatever comes between them.

mod frame_properties;
mod frames;
mod hello;
mod refusals;
mod requests;
mod secrets;
mod sessions;
mod slot;
mod support;
