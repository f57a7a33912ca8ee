//! Callbacks over HTTP: the end of a job is told by another job, of kind `callback`, so it is told as durably as any job is
//! done.
//!
//! [`HttpCallbacks`] makes these jobs, and [`CallbackHandler`] does them through a [`Transport`](crate::download::Transport).
//! The attempts of a callback job are the log of its delivery.

mod handler;
mod http_callbacks;
mod message;
mod payload;
mod signature;

pub use handler::{CallbackHandler, CallbackOptions};
pub use http_callbacks::{CallbackRules, HttpCallbacks};
pub use message::CallbackMessage;
pub use payload::{CallbackPayload, CallbackTarget};
pub use signature::CallbackSecret;
