//! Builds through a source that cannot be relied on.

use std::fmt::Write as _;

use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::go::GoClient;
use stoa_testing::http;
use stoa_testing::process::StoaProcess;

use crate::source::{Http, Sends, Source};
use crate::{STOA, random, seed};

const MODULES: usize = 300;

/// What a server counts.
pub(crate) async fn metrics(stoa: &StoaProcess) -> String {
    let token = stoa.admin_authorization().unwrap();
    let url = format!("{}/metrics", stoa.url());
    let answer = http::request("GET", &url, &[("Authorization", &token)], b"")
        .await
        .unwrap();
    answer.text().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_build_fails_because_every_third_transfer_is_reset() {
    let mut seed = seed();
    let modules: Vec<_> = (0..MODULES)
        .map(|number| {
            let len = if number % 10 == 0 {
                2 << 20
            } else {
                1 + random(&mut seed, 200 << 10)
            };
            let content = stoa_testing::content::Content::random(len, number as u64);
            ModuleFixture::new(&format!("example.com/m{number}"), "v1.0.0").file("data.bin", content)
        })
        .collect();
    let served: std::collections::HashMap<String, _> = modules
        .iter()
        .flat_map(|module| {
            [
                (module.url_path("info"), module.info().into()),
                (module.url_path("mod"), module.go_mod().into()),
                (module.url_path("zip"), module.zip()),
            ]
        })
        .collect();
    let script = move |path: &str, before: usize| {
        let content: &stoa_testing::content::Content = served.get(path)?;
        let cut = (before % 3 == 2).then(|| random(&mut seed, content.len()));
        Some(Sends {
            content: content.clone(),
            etag: Some("\"a\""),
            ranges: true,
            cut,
        })
    };
    let directory = tempfile::tempdir().unwrap();
    let source = Source::start(Http::One, directory.path(), script).await;
    let stoa = StoaProcess::command(STOA)
        .storage(&directory.path().join("storage"))
        .upstream(&source.url)
        .start();
    let go = GoClient::new(stoa.url());
    let mut requires = String::from("module example.com/app\n\ngo 1.21\n\nrequire (\n");
    for module in &modules {
        writeln!(requires, "\t{} v1.0.0", module.path()).unwrap();
    }
    go.write("go.mod", &(requires + ")\n"));
    let began = std::time::Instant::now();
    let output = go.run(&["mod", "download", "-json", "all"]).expect_success();
    let elapsed = began.elapsed();
    for module in &modules {
        assert!(output.stdout.contains(&module.h1()), "{}", module.path());
    }
    assert!(!output.stdout.contains("\"Error\""), "{}", output.stdout);
    let asked = source.asked().len();
    let saved: u64 = metrics(&stoa)
        .await
        .lines()
        .filter(|line| line.starts_with("stoa_transfers_broken_total") && line.contains("saved"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    println!("{MODULES} modules, {asked} requests, {saved} transfers saved, {elapsed:?}");
    assert!(saved > 100, "{saved}");
}
