//! Callbacks over Kafka, to the mock cluster that librdkafka brings.

mod closing;
mod delivery;
mod scene;
mod secrets;
mod trouble;
