//! What librdkafka says.

use rdkafka::{
    ClientContext, Message as _,
    config::RDKafkaLogLevel,
    error::KafkaError,
    producer::{DeliveryResult, ProducerContext},
};
use tokio::sync::oneshot;

use super::settings::KafkaSettings;

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) partition: i32,
    pub(super) offset: i64,
}

/// Passes reports of deliveries to those who wait for them, and what else is said to the log.
#[derive(Debug)]
pub(super) struct Reports {
    settings: KafkaSettings,
}

impl Reports {
    /// `settings` have the secrets that are not logged.
    pub(super) fn new(settings: KafkaSettings) -> Self {
        Self { settings }
    }
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let message = self.settings.without_secrets(message);
        match level {
            RDKafkaLogLevel::Debug | RDKafkaLogLevel::Info => {
                tracing::debug!(facility, "librdkafka: {message}");
            }
            _ => {
                tracing::warn!(facility, "librdkafka: {message}");
            }
        }
    }

    /// The same is logged, and the job that is concerned ends with it.
    fn error(&self, error: KafkaError, reason: &str) {
        let reason = self.settings.without_secrets(reason);
        tracing::debug!(code = ?error.rdkafka_error_code(), "librdkafka: {reason}");
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<oneshot::Sender<Result<Place, KafkaError>>>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, report: Self::DeliveryOpaque) {
        // A run that was cancelled does not wait for it.
        let _ = report.send(match delivered {
            Ok(message) => Ok(Place {
                partition: message.partition(),
                offset: message.offset(),
            }),
            Err((error, _)) => Err(error.clone()),
        });
    }
}
