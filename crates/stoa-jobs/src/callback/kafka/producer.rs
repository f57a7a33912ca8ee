//! The producer of a process.

use std::{fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use rdkafka::{
    ClientConfig,
    config::RDKafkaLogLevel,
    error::KafkaError,
    message::OwnedHeaders,
    producer::{BaseRecord, Producer as _, ThreadedProducer},
    types::RDKafkaErrorCode,
};
use tokio::{sync::oneshot, task::spawn_blocking, time::timeout};

use super::{
    reports::{Place, Reports},
    settings::{KafkaSettings, KafkaSettingsError},
};

/// How long what is queued is sent for when a producer closes.
const FLUSH: Duration = Duration::from_secs(5);
/// How much later than it should librdkafka may report: it looks at times once a second.
const MARGIN: Duration = Duration::from_secs(5);
/// The longest `message.timeout.ms`: for so long a message may keep a worker.
const LONGEST: Duration = Duration::from_secs(600);
/// The most messages that may be queued, which is also what librdkafka takes if nothing is said.
const MOST_MESSAGES: u64 = 100_000;

const MESSAGE_TIMEOUT: &str = "message.timeout.ms";
const QUEUED_MESSAGES: &str = "queue.buffering.max.messages";

/// What is set unless the operator sets it: a name, an older or newer one of the same setting, and the value. librdkafka's own
/// defaults are five minutes, a gigabyte of queue, and half a minute before an unknown topic is believed.
const DEFAULTS: [(&str, &str, &str); 5] = [
    ("client.id", "client.id", "stoa"),
    (MESSAGE_TIMEOUT, "delivery.timeout.ms", "30000"),
    (
        "topic.metadata.propagation.max.ms",
        "topic.metadata.propagation.max.ms",
        "10000",
    ),
    (QUEUED_MESSAGES, QUEUED_MESSAGES, "1000"),
    (
        "queue.buffering.max.kbytes",
        "queue.buffering.max.kbytes",
        "16384",
    ),
];

/// Why a message was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undelivered {
    /// The queue is full.
    Full,
    /// The producer is closed.
    Closed,
    /// There was no report in time.
    Late,
    /// librdkafka or a broker does not take it.
    Refused(RDKafkaErrorCode),
}

/// Writes messages, and waits for what becomes of them.
pub(super) struct KafkaProducer {
    /// Gone when it is closed. The handle is copied for calls that do not block.
    producer: Mutex<Option<Arc<ThreadedProducer<Reports>>>>,
    wait: Duration,
}

impl fmt::Debug for KafkaProducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaProducer")
            .field("is_open", &self.producer.lock().is_some())
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

impl KafkaProducer {
    pub(super) fn new(settings: &KafkaSettings) -> Result<Self, KafkaSettingsError> {
        if !(settings.has("bootstrap.servers") || settings.has("metadata.broker.list")) {
            return Err(KafkaSettingsError::Missing("bootstrap.servers"));
        }
        if settings.has("transactional.id") {
            return Err(KafkaSettingsError::Unfit {
                name: "transactional.id",
                why: "callbacks are no transactions",
            });
        }
        let mut config = ClientConfig::new();
        for (name, value) in settings.iter() {
            config.set(name, value);
        }
        for (name, other, value) in DEFAULTS {
            if !settings.has(name) && !settings.has(other) {
                config.set(name, value);
            }
        }
        let debugs = tracing::enabled!(tracing::Level::DEBUG);
        config.set_log_level(if debugs {
            RDKafkaLogLevel::Debug
        } else {
            RDKafkaLogLevel::Warning
        });
        let wait = bounds(&config, settings)?;
        let producer = config
            .create_with_context(Reports::new(settings.clone()))
            .map_err(|error| settings.error(&error))?;
        Ok(Self {
            producer: Mutex::new(Some(Arc::new(producer))),
            wait,
        })
    }

    /// Writes a message without a key to any partition.
    pub(super) async fn send(
        &self,
        topic: &str,
        body: &[u8],
        headers: OwnedHeaders,
    ) -> Result<Place, Undelivered> {
        let (report, reported) = oneshot::channel();
        let producer = self.producer.lock().clone().ok_or(Undelivered::Closed)?;
        let record = BaseRecord::<[u8], [u8], _>::with_opaque_to(topic, Box::new(report))
            .payload(body)
            .headers(headers);
        let queued = producer.send(record).map_err(|(error, _)| error);
        // Nobody who waits holds it, so that it can be closed.
        drop(producer);
        queued.map_err(|error| undelivered(&error))?;
        match timeout(self.wait + MARGIN, reported).await {
            Ok(Ok(delivered)) => delivered.map_err(|error| undelivered(&error)),
            Ok(Err(_dropped)) => Err(Undelivered::Closed),
            Err(_late) => Err(Undelivered::Late),
        }
    }

    pub(super) async fn close(&self) {
        let Some(producer) = self.producer.lock().take() else {
            return;
        };
        // Its end joins threads.
        let closed = spawn_blocking(move || {
            if producer.flush(FLUSH).is_err() {
                let left = producer.in_flight_count();
                tracing::warn!(
                    left,
                    "messages to Kafka could not be sent before the end; their jobs run again"
                );
            }
        });
        if let Err(error) = closed.await {
            tracing::warn!(%error, "the producer of Kafka did not close in order");
        }
    }
}

fn undelivered(error: &KafkaError) -> Undelivered {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::QueueFull) => Undelivered::Full,
        Some(code) => Undelivered::Refused(code),
        None => Undelivered::Refused(RDKafkaErrorCode::Fail),
    }
}

/// Refuses what would let messages wait for ever, and says how long they may.
fn bounds(config: &ClientConfig, settings: &KafkaSettings) -> Result<Duration, KafkaSettingsError> {
    let native = config
        .create_native_config()
        .map_err(|error| settings.error(&error))?;
    let value = |name| native.get(name).map_err(|error| settings.error(&error));
    let number = |name| Ok(value(name)?.parse::<u64>().unwrap_or(0));
    let wait = Duration::from_millis(number(MESSAGE_TIMEOUT)?);
    let unfit = |name, why| Err(KafkaSettingsError::Unfit { name, why });
    if wait.is_zero() || wait > LONGEST {
        return unfit(MESSAGE_TIMEOUT, "it is more than 0, and 600000 at most");
    }
    if !(1..=MOST_MESSAGES).contains(&number(QUEUED_MESSAGES)?) {
        return unfit(QUEUED_MESSAGES, "it is 1 to 100000");
    }
    let only_errors = "delivery.report.only.error";
    if value(only_errors)? == "true" {
        return unfit(only_errors, "deliveries are waited for");
    }
    Ok(wait)
}
