//! Limits, proxies and headers that the configuration gives to aggregations.

use serde_json::{Value, json};
use stoa_testing::{
    process::{StoaProcess, run},
    reply::Reply,
    upstream::Upstream,
};

use crate::STOA;

async fn ask(stoa: &StoaProcess, method: &str, path: &str, body: &str) -> Value {
    let token = stoa.admin_authorization().unwrap();
    let headers = [
        ("Authorization", token.as_str()),
        ("Content-Type", "application/json"),
    ];
    let url = format!("{}/api/v1/{path}", stoa.url());
    let answer = stoa_testing::http::request(method, &url, &headers, body.as_bytes())
        .await
        .unwrap();
    serde_json::from_str(answer.text()).unwrap()
}

/// Downloads a URL in this aggregation, or in that of its host.
async fn done(stoa: &StoaProcess, url: &str, aggregation: Option<&str>) {
    let mut job = json!({ "url": { "url": url } });
    if let Some(aggregation) = aggregation {
        job["url"]["aggregation"] = json!(aggregation);
    }
    let job = ask(stoa, "POST", "jobs", &job.to_string()).await;
    let id = job["id"].as_str().unwrap();
    let job = ask(stoa, "GET", &format!("jobs/{id}?wait=30s"), "").await;
    assert_eq!(job["state"], "ok", "{job}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aggregation_begins_with_what_the_configuration_says() {
    let directory = stoa_testing::scene::private_directory();
    let at = |name: &str| directory.path().join(name).display().to_string();
    let (proxy, own) = (Upstream::start_blocking(), Upstream::start_blocking());
    proxy.on_everything(Reply::text(200, "by the proxy"));
    own.on_everything(Reply::text(200, "by itself"));
    std::fs::write(at("headers"), "Authorization: Bearer of-the-host\n").unwrap();
    let host = own.address().to_string();
    let text = format!(
        "upstream = \"off\"\n[jobs]\ndownloads = \"{}\"\nmin_free = \"1MiB\"\nfull_at = 100\nallow_private_addresses = true\n\
         [[aggregation]]\nmatch = \"far.example\"\nconcurrency = 7\nrate = \"600/m\"\nproxy = \"http://user:hunter2@{}\"\n\
         [[aggregation]]\nmatch = \"127.0.0.1*\"\nheaders_file = \"{}\"\nconcurrency = 2\n",
        at("downloads"),
        proxy.address(),
        at("headers"),
    );
    std::fs::write(at("stoa.toml"), text).unwrap();
    let shown = run(
        STOA,
        &["config", "show", "--config", &at("stoa.toml")],
        &[("HOME", "/")],
    );
    assert!(shown.stdout.contains("http://[hidden]@127.0.0.1"), "{shown:?}");
    assert!(!shown.stdout.contains("hunter2"), "{shown:?}");
    let stoa = StoaProcess::command(STOA)
        .storage(&directory.path().join("storage"))
        .args(&["--config", &at("stoa.toml")])
        .start();
    done(&stoa, "http://far.example/file", None).await;
    let request = &proxy.requests()[0];
    assert_eq!(
        (
            request.header("host"),
            request.header("proxy-authorization"),
            request.header("authorization")
        ),
        (Some("far.example"), Some("Basic dXNlcjpodW50ZXIy"), None)
    );
    let limits = ask(&stoa, "GET", "aggregations/url/far.example", "").await;
    assert_eq!(
        (&limits["concurrency"], &limits["rate"]),
        (&json!(7), &json!("600/m")),
        "{limits}"
    );
    assert!(!limits.to_string().contains("hunter2"), "{limits}");
    // The header is for the host that the aggregation is named after, whoever else uses its name.
    done(&stoa, &format!("http://{host}/one"), Some(&host)).await;
    done(
        &stoa,
        &format!("http://localhost:{}/two", own.address().port()),
        Some(&host),
    )
    .await;
    let got: Vec<_> = own
        .requests()
        .iter()
        .map(|request| request.header("authorization").map(str::to_owned))
        .collect();
    assert_eq!(got, [Some("Bearer of-the-host".to_owned()), None]);
    assert!(!stoa.output().contains("hunter2") && !stoa.output().contains("of-the-host"));
}
