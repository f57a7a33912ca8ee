//! Callbacks over Kafka, in a binary that is built with it.

#[cfg(feature = "kafka")]
use std::{path::Path, sync::Arc};

#[cfg(feature = "kafka")]
use stoa_jobs::callback::{KafkaHandler, KafkaPayload, KafkaSettings};
use stoa_jobs::{EngineBuilder, KindOptions, callback::CallbackSecret};

use crate::{command_error::CommandError, config::Config};

/// What writes to Kafka, if the configuration says how.
#[derive(Debug)]
pub(super) struct Kafka {
    #[cfg(feature = "kafka")]
    handler: Option<Arc<KafkaHandler>>,
}

#[cfg(feature = "kafka")]
impl Kafka {
    /// The producer that the file of the configuration describes.
    pub(super) fn of(config: &Config, secret: Option<CallbackSecret>) -> Result<Self, CommandError> {
        let handler = config
            .jobs
            .kafka_file
            .as_deref()
            .map(|file| handler(file, secret));
        let handler = handler
            .transpose()
            .map_err(|error| config.fault("jobs.kafka_file", error))?;
        Ok(Self {
            handler: handler.map(Arc::new),
        })
    }

    pub(super) fn add(
        &self,
        engine: EngineBuilder,
        workers: &KindOptions,
    ) -> Result<EngineBuilder, CommandError> {
        let Some(handler) = &self.handler else {
            return Ok(engine);
        };
        let kind = KafkaPayload::KIND.parse().map_err(CommandError::new)?;
        Ok(engine.handler(kind, Arc::clone(handler) as _, workers.clone()))
    }

    pub(super) async fn close(&self) {
        if let Some(handler) = &self.handler {
            handler.close().await;
        }
    }
}

#[cfg(feature = "kafka")]
fn handler(file: &Path, secret: Option<CallbackSecret>) -> Result<KafkaHandler, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let settings = KafkaSettings::parse(&text);
    settings
        .and_then(|settings| KafkaHandler::new(&settings, secret))
        .map_err(|error| format!("{}: {error}", file.display()))
}

/// The configuration refuses the file in a binary without Kafka.
#[cfg(not(feature = "kafka"))]
#[allow(
    clippy::unused_self,
    clippy::unused_async,
    clippy::unnecessary_wraps,
    clippy::needless_pass_by_value,
    reason = "the same calls work in a binary that has Kafka"
)]
impl Kafka {
    pub(super) fn of(_: &Config, _: Option<CallbackSecret>) -> Result<Self, CommandError> {
        Ok(Self {})
    }

    pub(super) fn add(&self, engine: EngineBuilder, _: &KindOptions) -> Result<EngineBuilder, CommandError> {
        Ok(engine)
    }

    pub(super) async fn close(&self) {}
}
