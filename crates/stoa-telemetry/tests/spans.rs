//! Which lines are found by the id of a request, in both formats.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use stoa_telemetry::{FlightSpan, LogFormat, LogSink, log_layer, span};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt};

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("lock").extend_from_slice(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines that `work` logs at `level` and above.
fn lines(format: LogFormat, level: &str, work: impl FnOnce()) -> Vec<String> {
    let output = Output::default();
    let sink = LogSink::new(output.clone()).expect("thread");
    let subscriber = tracing_subscriber::registry()
        .with(EnvFilter::new(level))
        .with(log_layer(sink.writer(), format));
    tracing::subscriber::with_default(subscriber, work);
    drop(sink);
    let bytes = output.0.lock().expect("lock").clone();
    let text = String::from_utf8(bytes).expect("text");
    text.lines().map(ToOwned::to_owned).collect()
}

/// Two requests share a flight; the second joins while it is under way.
fn shared_flight() {
    let (first, second) = (span::request("r-1"), span::request("r-\"2"));
    let flight = first.in_scope(|| FlightSpan::new("r-1"));
    flight.span().in_scope(|| tracing::info!("early"));
    second.in_scope(|| flight.join("r-\"2"));
    let work = flight.clone();
    work.span().in_scope(|| {
        let fetch = span::fetch("example.com/a@v1.0.0.zip");
        fetch.in_scope(|| span::lane("example.com").in_scope(|| tracing::debug!("sent")));
        tracing::info!("late");
    });
    flight.join("r-1");
}

#[test]
fn a_flight_shows_one_current_list_of_requests_as_text() {
    let lines = lines(LogFormat::Text, "debug", shared_flight);
    let of = |what: &str| {
        let line = lines.iter().find(|line| line.ends_with(what));
        line.unwrap_or_else(|| panic!("no {what} in {lines:#?}")).as_str()
    };
    assert!(of(" early").contains(" requests=\"r-1\"}: "), "{}", of(" early"));
    let late = of(" late");
    assert!(
        late.contains(" requests=\"r-1 r-\\\"2\"}: ") && late.matches("requests=").count() == 1,
        "{late}"
    );
    let sent = of(" sent");
    assert!(
        sent.contains("r-1 r-\\\"2\"}:fetch{resource=example.com/a@v1.0.0.zip}:lane{host=\"example.com\"}: "),
        "{sent}"
    );
    let joined: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("joined flight "))
        .collect();
    assert!(joined[0].contains(" request{id=\"r-\\\"2\"}: "), "{joined:?}");
    // It does not join what it waits for already.
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains(" request{id=\"r-1\"}: "))
            .count(),
        1
    );
}

#[test]
fn a_flight_shows_one_current_list_of_requests_as_json() {
    let lines = lines(LogFormat::Json, "debug", shared_flight);
    let json: Vec<serde_json::Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let of = |what: &str| json.iter().find(|line| line["message"] == what).expect(what);
    assert_eq!(of("early")["span"]["requests"], "r-1");
    assert_eq!(of("late")["span"]["requests"], "r-1 r-\"2");
    assert_eq!(of("sent")["spans"][0]["requests"], "r-1 r-\"2");
    let text = lines.iter().find(|line| line.contains("\"sent\"")).expect("sent");
    assert_eq!(text.matches("requests").count(), 1, "{text}");
    let joined = json.iter().find(|line| {
        line["message"]
            .as_str()
            .is_some_and(|text| text.starts_with("joined"))
    });
    assert_eq!(joined.expect("joined")["span"]["id"], "r-\"2");
}

#[test]
fn errors_name_their_requests_at_the_usual_level_too() {
    let lines = lines(LogFormat::Text, "info", || {
        let flight = FlightSpan::new("r-1");
        flight.join("r-2");
        flight.span().in_scope(|| tracing::error!("refused"));
    });
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains("requests=\"r-1 r-2\"}: "), "{lines:#?}");
}

#[test]
fn a_line_stays_one_line_and_shows_every_character() {
    let hostile = "gone\u{1b}[2J\u{9b}\u{202e}\u{2066}\u{200b}\u{2028}\r\nINFO forged";
    for format in [LogFormat::Text, LogFormat::Json] {
        let lines = lines(format, "info", || {
            tracing::warn!(error = %hostile, reason = hostile, "a source said {hostile}");
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(!lines[0].chars().any(stoa_telemetry::is_unseen), "{lines:?}");
        if format == LogFormat::Json {
            let json: serde_json::Value = serde_json::from_str(&lines[0]).expect("json");
            assert_eq!(json["error"], hostile);
        }
    }
}
