//! What is counted.

use std::collections::BTreeMap;

use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;

use crate::support::{eventually, get, scene};

/// The samples of an exposition text; fails on a line that is none.
async fn metrics(stoa: &StoaProcess) -> BTreeMap<String, f64> {
    let answer = get(stoa, "/metrics").await;
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type").unwrap();
    assert!(
        kind.starts_with("application/openmetrics-text; version=1.0.0"),
        "{kind}"
    );
    let text = answer.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let word = comment.split(' ').next().unwrap();
            assert!(["HELP", "TYPE", "UNIT", "EOF"].contains(&word), "{line}");
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?}"));
        let bare = name.split('{').next().unwrap();
        assert!(
            bare.starts_with("stoa_") && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'),
            "{line}"
        );
        assert!(!name.contains('{') || name.ends_with('}'), "{line}");
        samples.insert(
            name.to_owned(),
            value.parse().unwrap_or_else(|_| panic!("{line:?}")),
        );
    }
    samples
}

/// The sum of all samples of this name whose labels contain all of these.
fn sum(samples: &BTreeMap<String, f64>, name: &str, labels: &[&str]) -> f64 {
    let wanted = |sample: &str| {
        sample.split('{').next() == Some(name) && labels.iter().all(|label| sample.contains(label))
    };
    samples
        .iter()
        .filter(|(sample, _)| wanted(sample))
        .map(|(_, value)| value)
        .sum()
}

fn assert_counts(samples: &BTreeMap<String, f64>, len: u64) {
    for (name, labels, want) in [
        (
            "stoa_requests_total",
            &["resource=\"zip\"", "result=\"miss\"", "status=\"200\""][..],
            1,
        ),
        (
            "stoa_requests_total",
            &["resource=\"zip\"", "result=\"hit\"", "status=\"200\""],
            3,
        ),
        (
            "stoa_requests_total",
            &["resource=\"list\"", "result=\"miss\"", "status=\"404\""],
            1,
        ),
        (
            "stoa_requests_total",
            &["resource=\"list\"", "result=\"negative\"", "status=\"404\""],
            2,
        ),
        (
            "stoa_requests_total",
            &["resource=\"latest\"", "result=\"error\"", "status=\"502\""],
            1,
        ),
        ("stoa_requests_total", &["result=\"error\"", "status=\"400\""], 1),
        (
            "stoa_requests_total",
            &["resource=\"service\"", "status=\"200\""],
            1,
        ),
        (
            "stoa_response_bytes_total",
            &["resource=\"zip\"", "result=\"hit\""],
            3 * i32::try_from(len).unwrap(),
        ),
        ("stoa_request_duration_seconds_count", &["resource=\"zip\""], 4),
        ("stoa_fetches_total", &["resource=\"zip\""], 1),
        ("stoa_fetches_total", &["resource=\"list\""], 1),
        ("stoa_fetches_total", &["resource=\"latest\""], 1),
        ("stoa_log_lines_dropped", &[], 0),
    ] {
        let got = sum(samples, name, labels);
        assert!(
            (got - f64::from(want)).abs() < 0.1,
            "{name} {labels:?}: {got}, not {want}\n{samples:#?}"
        );
    }
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let scene = scene();
    let stoa = scene.start();
    let (zip, len) = (scene.greet().url_path("zip"), scene.greet().zip().len());
    for _ in 0..4 {
        get(&stoa, &zip).await;
    }
    for _ in 0..3 {
        get(&stoa, "/example.com/nobody/@v/list").await;
    }
    scene
        .upstream
        .on("/example.com/greet/@latest", Reply::text(500, "down"));
    get(&stoa, "/example.com/greet/@latest").await;
    get(&stoa, "/example.com/Greet/@v/list").await;
    get(&stoa, "/healthz").await;

    let samples = metrics(&stoa).await;
    assert_counts(&samples, len);
    // Connections of answered requests may still be on their way out; the one that asks remains.
    eventually("one connection", async || {
        let samples = metrics(&stoa).await;
        ((sum(&samples, "stoa_connections", &[]) - 1.0).abs() < 0.1).then_some(())
    })
    .await;
    let again = metrics(&stoa).await;
    let counters = samples.iter().filter(|(name, _)| name.contains("_total"));
    for (name, value) in counters {
        assert!(again[name] >= *value, "{name} went down");
    }
}
