//! Payloads of downloads.

use super::*;

fn spec(text: &str) -> DownloadSpec {
    serde_json::from_str(text).expect("a spec")
}

#[test]
fn a_payload_is_written_as_it_was_read() {
    let text = r#"{"url":"https://u:p@example.com/a?b=c","headers":{"X-A":"1"},"mime_type":"image/*","extract_image_size":true,"max_bytes":10,"min_speed":{"bytes_per_second":1,"window_ms":5},"timeouts":{"run_ms":1},"later":{"x":[1]}}"#;
    let read = spec(text);
    assert_eq!(
        serde_json::to_value(&read).expect("a value"),
        serde_json::from_str::<Value>(text).expect("a value")
    );
    assert_eq!(
        read.unknown.get("later").map(Value::to_string),
        Some(r#"{"x":[1]}"#.to_owned())
    );
}

#[test]
fn what_cannot_be_downloaded_is_no_payload() {
    for url in [
        "ftp://x/y",
        "/path",
        "x",
        "http://",
        "file:///etc/passwd",
        "https://:80/",
        "",
    ] {
        assert!(url.parse::<DownloadUrl>().is_err(), "{url}");
    }
    assert_eq!(
        "ftp://x/".parse::<DownloadUrl>(),
        Err(SpecError::Scheme("ftp".to_owned()))
    );
    let long = format!("http://x/{}", "a".repeat(9_000));
    assert_eq!(long.parse::<DownloadUrl>(), Err(SpecError::LongUrl(9_009)));
    for payload in [
        r#"{"url":"http://x/","mime_type":"["}"#,
        r#"{"url":"http://x/","sha256":"abc"}"#,
        r#"{"url":"http://x/","max_bytes":-1}"#,
        r#"{"url":"http://x/","min_speed":{"bytes_per_second":0}}"#,
        r#"{"headers":{}}"#,
    ] {
        assert!(
            serde_json::from_str::<DownloadSpec>(payload).is_err(),
            "{payload}"
        );
    }
}

#[test]
fn secrets_of_the_url_are_not_shown() {
    let spec = spec(
        r#"{"url":"https://us%20er:hunter2@example.com:444/a/b?token=hunter2#hunter2","headers":{"X":"hunter2"}}"#,
    );
    let job = spec.new_job(None).expect("a job");
    assert_eq!(job.title, "https://example.com:444/a/b?...");
    assert_eq!(job.aggregation.to_string(), "url/example.com:444");
    assert!(!format!("{spec:?} {job:?}").contains("hunter2"));
    assert_eq!(
        spec.url.request_url().as_str(),
        "https://example.com:444/a/b?token=hunter2#hunter2"
    );
    let headers = spec.request_headers(HeaderMap::new()).expect("headers");
    assert_eq!(headers["authorization"], "Basic dXMgZXI6aHVudGVyMg==");
}

#[test]
fn the_headers_of_the_job_come_last() {
    let spec = spec(r#"{"url":"http://x/","headers":{"x-a":"job"}}"#);
    let layer = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let configured = layer(&[
        ("User-Agent", "stoa"),
        ("X-A", "configured"),
        ("X-B", "configured"),
    ]);
    let aggregation = layer(&[("x-b", "aggregation")]);
    let base = layered(&[&configured, &aggregation]).expect("headers");
    let headers = spec.request_headers(base).expect("headers");
    assert_eq!(headers["user-agent"], "stoa");
    assert_eq!(headers["x-a"], "job");
    assert_eq!(headers["x-b"], "aggregation");
    assert_eq!(headers.len(), 3);
}

#[test]
fn headers_that_a_job_may_not_set_are_refused() {
    let with = |name: &str, value: &str| {
        let mut spec = spec(r#"{"url":"http://x/"}"#);
        spec.headers.insert(name.to_owned(), value.to_owned());
        spec.new_job(None).map(|_| ())
    };
    for name in ["Range", "host", "Transfer-Encoding"] {
        assert_eq!(with(name, "x"), Err(SpecError::Reserved(name.to_owned())));
    }
    assert_eq!(with("a b", "x"), Err(SpecError::Header("a b".to_owned())));
    assert_eq!(with("a", "x\r\nb: c"), Err(SpecError::Header("a".to_owned())));
    assert_eq!(with("a", &"x".repeat(40_000)), Err(SpecError::Headers));
    assert_eq!(with("a", "x"), Ok(()));
}

#[test]
fn the_fingerprint_is_over_what_changes_the_outcome() {
    let base = r#"{"url":"http://x/","headers":{"a":"1","b":"2"}}"#;
    let same = r#"{"headers":{"b":"2","a":"1"},"url":"http://x"}"#;
    assert_eq!(spec(base).fingerprint(), spec(same).fingerprint());
    assert_eq!(spec(base).fingerprint().len(), 64);
    for other in [
        r#"{"url":"http://x/y","headers":{"a":"1","b":"2"}}"#,
        r#"{"url":"http://x/","headers":{"a":"1","b":"3"}}"#,
        r#"{"url":"http://x/","headers":{"a":"1","b":"2"},"max_bytes":1}"#,
        r#"{"url":"http://x/","headers":{"a":"1","b":"2"},"mime_type":"a/b"}"#,
        r#"{"url":"http://x/","headers":{"a":"1","b":"2"},"later":1}"#,
        r#"{"url":"http://x/","headers":{"a":"1","b":"2"},"sink":"s3"}"#,
    ] {
        assert_ne!(spec(base).fingerprint(), spec(other).fingerprint(), "{other}");
    }
    let of = |aggregation| spec(base).new_job(aggregation).expect("a job").fingerprint;
    assert_eq!(of(None), of(Some("x")));
    assert_ne!(of(None), of(Some("y")));
}
