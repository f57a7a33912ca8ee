//! Which lines are found by the id of a request.

use stoa_telemetry::{LogFormat, LogSink, log_layer};
use stoa_testing::http;
use tracing_subscriber::{EnvFilter, layer::SubscriberExt};

use crate::lab::{Lab, Output};

#[tokio::test]
async fn all_lines_of_a_request_are_found_by_its_id_and_a_hit_in_memory_has_none() {
    let output = Output::default();
    let sink = LogSink::new(output.clone()).unwrap();
    let subscriber = tracing_subscriber::registry()
        .with(EnvFilter::new("debug"))
        .with(log_layer(sink.writer(), LogFormat::Text));
    let guard = tracing::subscriber::set_default(subscriber);
    let server = Lab::default().start().await;
    let url = server.url("/example.com/a/@v/v1.0.0.mod");
    for (id, result) in [("first", "miss"), ("second", "hit")] {
        let answer = http::request("GET", &url, &[("X-Request-Id", id)], b"")
            .await
            .unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(server.access(id).await["result"], result);
    }
    drop((guard, sink));
    let text = output.text();
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.contains("request{id=\"first\"}"))
        .collect();
    let has = |what: &str| lines.iter().any(|line| line.contains(what));
    assert!(has("stoa_server::connection: looking for an answer"), "{text}");
    assert!(has("lab: echo"), "{text}");
    assert!(!text.contains("second"), "{text}");
}
