//! Whether ends of jobs can be told over Kafka.

use stoa_jobs::{Engine, callback::KafkaPayload};

/// Why a submission that wants it is refused.
pub(crate) const NO_KAFKA: &str =
    "this server tells nobody over Kafka: name a file of settings in jobs.kafka_file";

/// Whether `engine` writes to Kafka.
pub(crate) fn has_kafka(engine: &Engine) -> bool {
    KafkaPayload::KIND.parse().is_ok_and(|kind| engine.runs(&kind))
}
