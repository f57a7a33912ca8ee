//! Settings that are wrong, and those that are secret.

use std::{
    io::{self, Write},
    sync::Arc,
};

use parking_lot::Mutex;
use stoa_jobs::callback::{KafkaHandler, KafkaSettings};
use tracing_subscriber::fmt::MakeWriter;

use crate::scene::Scene;

const SECRET: &str = "correct-horse-battery";

fn refused(settings: &[(&str, &str)]) -> String {
    let all = [("bootstrap.servers", "127.0.0.1:1")];
    let settings: KafkaSettings = all.iter().chain(settings).copied().collect();
    let error = KafkaHandler::new(&settings, None).expect_err("no producer");
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
    error.to_string()
}

#[test]
fn settings_that_librdkafka_does_not_take_are_named() {
    for (settings, want) in [
        (
            &[("sasl.pasword", SECRET)][..],
            r#"librdkafka has no setting "sasl.pasword""#,
        ),
        (
            &[("acks", "many")],
            r#"acks: Invalid value for configuration property "request.required.acks""#,
        ),
        (
            &[("message.timeout.ms", "0")],
            "message.timeout.ms: it is more than 0, and 600000 at most",
        ),
        (
            &[("delivery.timeout.ms", "600001")],
            "message.timeout.ms: it is more than 0, and 600000 at most",
        ),
        (
            &[("queue.buffering.max.messages", "0")],
            "queue.buffering.max.messages: it is 1 to 100000",
        ),
        (
            &[("delivery.report.only.error", "true")],
            "delivery.report.only.error: deliveries are waited for",
        ),
        (
            &[("transactional.id", "x")],
            "transactional.id: callbacks are no transactions",
        ),
        (
            &[("sasl.password", "correct-horse\0-battery")],
            "librdkafka makes no producer: a setting has a zero byte",
        ),
    ] {
        assert_eq!(refused(settings), want);
    }
    let kerberos = refused(&[
        ("security.protocol", "sasl_plaintext"),
        ("sasl.mechanism", "GSSAPI"),
    ]);
    assert!(
        kerberos.contains("No provider for SASL mechanism GSSAPI"),
        "{kerberos}"
    );
    let error = KafkaHandler::new(&KafkaSettings::default(), None).expect_err("no producer");
    assert_eq!(error.to_string(), "bootstrap.servers is missing");
}

#[cfg(not(feature = "kafka-tls"))]
#[test]
fn tls_says_that_it_was_not_built() {
    let tls = refused(&[("security.protocol", "ssl")]);
    assert!(tls.contains("OpenSSL not available at build time"), "{tls}");
}

#[cfg(feature = "kafka-tls")]
#[test]
fn tls_and_scram_are_there() {
    let settings = [
        ("bootstrap.servers", "127.0.0.1:1"),
        ("security.protocol", "sasl_ssl"),
        ("sasl.mechanism", "SCRAM-SHA-512"),
        ("sasl.username", "somebody"),
        ("sasl.password", SECRET),
    ];
    let made = KafkaHandler::new(&settings.into_iter().collect(), None);
    assert!(made.is_ok(), "{made:?}");
    let key = refused(&[("security.protocol", "ssl"), ("ssl.key.pem", SECRET)]);
    assert!(key.starts_with("librdkafka makes no producer: "), "{key}");
}

/// What is logged.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_in_no_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // librdkafka logs on threads of its own.
    tracing::subscriber::set_global_default(subscriber).expect("the only one");
    let secret = [
        ("debug", "all"),
        ("sasl.password", SECRET),
        ("security.protocol", "sasl_plaintext"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "somebody"),
        ("message.timeout.ms", "1000"),
    ];
    let mut scene = Scene::new(&secret, 1);
    let (_, callback) = scene.tell("topic").await;
    let job = scene.ended(&callback).await;
    assert_eq!(Scene::classes(&job), ["timeout"]);
    scene.kafka.close().await;
    let text = String::from_utf8_lossy(&log.0.lock()).into_owned();
    assert!(
        text.contains("librdkafka: ") && text.contains("sasl.mechanism"),
        "{text}"
    );
    assert!(!text.contains(SECRET) && !format!("{job:?}").contains(SECRET));
    let shown = format!(
        "{:?} {:?}",
        scene.kafka,
        secret.into_iter().collect::<KafkaSettings>()
    );
    assert!(
        !shown.contains(SECRET) && shown.contains("sasl.password"),
        "{shown}"
    );
}
