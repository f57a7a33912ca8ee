//! Callbacks: the end of a job is told by another job, so it is told as durably as any job is done.
//!
//! [`CallbackJobs`] makes these jobs. [`CallbackHandler`] does those of kind `callback` over HTTP, through a
//! [`Transport`](crate::download::Transport); with the feature `kafka`, `KafkaHandler` does those of kind `callback-kafka`.
//! The attempts of a callback job are the log of its delivery.

mod callback_jobs;
mod handler;
#[cfg(feature = "kafka")]
mod kafka;
mod message;
mod payload;
mod signature;
mod topic;

pub use callback_jobs::{CallbackJobs, CallbackRules};
pub use handler::{CallbackHandler, CallbackOptions};
#[cfg(feature = "kafka")]
pub use kafka::{KafkaHandler, KafkaSettings, KafkaSettingsError};
pub use message::CallbackMessage;
pub use payload::{CallbackPayload, CallbackTarget, KafkaPayload};
pub use signature::CallbackSecret;
pub use topic::{KafkaTopic, KafkaTopicError};
