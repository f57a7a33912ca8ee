//! Callbacks over Kafka, through librdkafka.

mod producer;
mod reports;
mod settings;

use async_trait::async_trait;
use rdkafka::{
    message::{Header, OwnedHeaders},
    types::RDKafkaErrorCode,
};
use serde::Deserialize as _;
use serde_json::{Value, json};

use self::producer::{KafkaProducer, Undelivered};
pub use self::settings::{KafkaSettings, KafkaSettingsError};
use super::{
    handler::{IDEMPOTENCY_KEY, SIGNATURE, TIMESTAMP},
    payload::KafkaPayload,
    signature::CallbackSecret,
};
use crate::{
    Failure, Handler, Outcome, Run,
    download::{
        TransportError, TransportFault,
        verdict::{dead, of_error, retry},
    },
};

/// Tells submitters of the ends of their jobs over Kafka: the handler of jobs of kind `callback-kafka`, whose payload is a
/// [`KafkaPayload`].
///
/// A message has the body of a callback over HTTP, no key, and as headers what is a header there: `idempotency-key`, and with
/// a secret `x-stoa-timestamp` and `x-stoa-signature`. It is delivered when the brokers say so. Whatever they say instead is
/// tried again, because topics are made, rights are given and brokers come back; the rules of callbacks say how often. A
/// receiver may be told twice, and knows that by the key.
#[derive(Debug)]
pub struct KafkaHandler {
    producer: KafkaProducer,
    secret: Option<CallbackSecret>,
}

impl KafkaHandler {
    /// Makes the producer. A process needs one only. No broker is waited for.
    ///
    /// # Errors
    /// If librdkafka does not take the settings, or if with them a message could wait for ever.
    pub fn new(settings: &KafkaSettings, secret: Option<CallbackSecret>) -> Result<Self, KafkaSettingsError> {
        let producer = KafkaProducer::new(settings)?;
        Ok(Self { producer, secret })
    }

    /// Sends what is queued, for five seconds at most, and gives up the rest. Runs from then on are interrupted.
    pub async fn close(&self) {
        self.producer.close().await;
    }

    async fn deliver(&self, run: &Run) -> Result<Value, Outcome> {
        let payload = KafkaPayload::deserialize(&run.job().payload)
            .map_err(|error| dead("payload", &format!("the payload is no callback: {error}")))?;
        run.note("idempotency_key", payload.key.as_str());
        run.note("topic", payload.topic.as_str());
        let headers = self.headers(&payload);
        let sent = self
            .producer
            .send(payload.topic.as_str(), payload.body.as_bytes(), headers)
            .await;
        let place = sent.map_err(outcome)?;
        run.note("partition", place.partition);
        run.note("offset", place.offset);
        Ok(json!({"partition": place.partition, "offset": place.offset}))
    }

    fn headers(&self, payload: &KafkaPayload) -> OwnedHeaders {
        let header = |headers: OwnedHeaders, key: &str, value: &str| {
            headers.insert(Header {
                key,
                value: Some(value),
            })
        };
        let headers = header(OwnedHeaders::new(), IDEMPOTENCY_KEY.as_str(), &payload.key);
        let Some(secret) = &self.secret else {
            return headers;
        };
        let (second, signature) = secret.sign_now(payload.body.as_bytes());
        let headers = header(headers, TIMESTAMP.as_str(), &second.to_string());
        header(headers, SIGNATURE.as_str(), &signature)
    }
}

fn outcome(undelivered: Undelivered) -> Outcome {
    let code = match undelivered {
        Undelivered::Full => {
            let text = "more is to be written to Kafka than its brokers take";
            return of_error(&TransportError::new(TransportFault::Overloaded, text.to_owned()));
        }
        Undelivered::Closed
        | Undelivered::Refused(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight) => {
            return Outcome::Interrupted(Failure::new("kafka", "the producer of this server is closing"));
        }
        Undelivered::Late => return retry("timeout", "librdkafka said nothing of the message in time"),
        Undelivered::Refused(code) => code,
    };
    let class = match code {
        RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition => "unknown_topic",
        RDKafkaErrorCode::MessageTimedOut => "timeout",
        _ => "kafka",
    };
    retry(class, &code.to_string())
}

#[async_trait]
impl Handler for KafkaHandler {
    async fn run(&self, run: &Run) -> Outcome {
        self.deliver(run)
            .await
            .map_or_else(|outcome| outcome, Outcome::Ok)
    }
}
