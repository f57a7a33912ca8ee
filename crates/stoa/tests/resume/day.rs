//! A day in a minute: two hundred modules on five hosts, of which four have a bad one.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use stoa_testing::content::Content;
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::go::GoClient;
use stoa_testing::http::{self, Response};
use stoa_testing::process::StoaProcess;
use stoa_testing::reply::Reply;
use stoa_testing::upstream::Upstream;
use tokio::task::JoinSet;

use crate::source::{Http, Source};
use crate::{STOA, random, seed};

const HOSTS: [&str; 5] = ["good", "slow", "failing", "limiting", "expired"];
/// Of each host.
const MODULES: usize = 40;
/// Besides those of the go command.
const REQUESTS: usize = 1880;
/// Clients at a time.
const CLIENTS: usize = 24;
/// What the host that limits its rate answers in a second.
const RATE: usize = 8;

type Files = HashMap<String, Content>;

fn module(host: &str, number: usize) -> ModuleFixture {
    let content = Content::random(20 << 10, number as u64);
    ModuleFixture::new(&format!("{host}.example/m{number}"), "v1.0.0").file("data.bin", content)
}

fn files(host: &str) -> Files {
    let files = (0..MODULES).flat_map(|number| {
        let module = module(host, number);
        let list = format!("/{host}.example/m{number}/@v/list");
        [
            (module.url_path("info"), module.info().into()),
            (module.url_path("mod"), module.go_mod().into()),
            (module.url_path("zip"), module.zip()),
            (list, "v1.0.0\n".into()),
        ]
    });
    files.collect()
}

/// A host that is as its name says, for as long as the day lasts.
async fn host(name: &'static str, is_day: &Arc<AtomicBool>) -> Upstream {
    let upstream = Upstream::start().await;
    let (files, is_day) = (files(name), Arc::clone(is_day));
    let answered = Mutex::new((Instant::now(), 0));
    upstream.answer_with(move |request| {
        let Some(content) = files.get(&request.path) else {
            return Reply::text(404, "there is none");
        };
        match name {
            _ if !is_day.load(Ordering::Relaxed) => Reply::ok(content.clone()),
            "slow" => Reply::Drip {
                body: content.clone(),
                chunk: usize::try_from(content.len() / 3 + 1).unwrap(),
                every: Duration::from_millis(400),
            },
            "failing" => Reply::text(503, "out of order"),
            "limiting" => {
                let mut answered = answered.lock();
                if answered.0.elapsed() > Duration::from_secs(1) {
                    *answered = (Instant::now(), 0);
                }
                answered.1 += 1;
                if answered.1 > RATE {
                    return Reply::full(429, &[("Retry-After", "1")], "not so fast");
                }
                Reply::ok(content.clone())
            }
            _ => Reply::ok(content.clone()),
        }
    });
    upstream
}

struct Day {
    directory: tempfile::TempDir,
    hosts: Vec<Upstream>,
    expired: Source,
    lasts: Arc<AtomicBool>,
}

impl Day {
    async fn begin() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let lasts = Arc::new(AtomicBool::new(true));
        let mut hosts = Vec::new();
        for name in &HOSTS[..4] {
            hosts.push(host(name, &lasts).await);
        }
        let expired = Source::start(Http::Expired, directory.path(), |_, _| None).await;
        Self {
            directory,
            hosts,
            expired,
            lasts,
        }
    }

    fn serve(&self) -> StoaProcess {
        let mut config = String::from("upstream = \"off\"\n[sumdb]\nverify = false\n");
        let urls = self
            .hosts
            .iter()
            .map(Upstream::url)
            .chain([self.expired.url.clone()]);
        for (name, url) in HOSTS.iter().zip(urls) {
            write!(
                config,
                "[[route]]\nmatch = \"{name}.example/*\"\nupstream = \"{url}\"\n"
            )
            .unwrap();
        }
        let file = self.directory.path().join("stoa.toml");
        fs::write(&file, config).unwrap();
        let certificate = self.expired.certificate.clone().unwrap();
        StoaProcess::command(STOA)
            .storage(&self.directory.path().join("storage"))
            .args(&["--config", file.to_str().unwrap()])
            // It is believed, but for its time.
            .env("SSL_CERT_FILE", certificate.to_str().unwrap())
            .start()
    }

    /// What the host of a path is called in errors, and words of which one says what is wrong with it.
    fn excuse(&self, name: &str) -> (String, &'static [&'static str]) {
        let at = HOSTS.iter().position(|host| *host == name).unwrap();
        let url = self
            .hosts
            .get(at)
            .map_or_else(|| self.expired.url.clone(), Upstream::url);
        let host = url.split_once("://").unwrap().1.to_owned();
        let words: &[&str] = match name {
            "failing" => &["503 Service Unavailable"],
            "limiting" => &["asked for a pause", "429"],
            "expired" => &["certificate"],
            "slow" => &["queue is full", "waited"],
            _ => &[],
        };
        (host, words)
    }
}

/// What came of one request.
struct Outcome {
    host: &'static str,
    path: String,
    answer: Response,
    elapsed: Duration,
}

/// Asks for random files of all hosts.
async fn ask_all(stoa: &str, seed: &mut u64) -> Vec<Outcome> {
    let mut paths = Vec::new();
    for _ in 0..REQUESTS {
        let host = HOSTS[usize::try_from(random(seed, 5)).unwrap()];
        let number = random(seed, MODULES as u64);
        let file =
            ["list", "v1.0.0.info", "v1.0.0.mod", "v1.0.0.zip"][usize::try_from(random(seed, 4)).unwrap()];
        paths.push((host, format!("/{host}.example/m{number}/@v/{file}")));
    }
    let paths = Arc::new(Mutex::new(paths));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (paths, stoa) = (Arc::clone(&paths), stoa.to_owned());
        clients.spawn(async move {
            let mut outcomes = Vec::new();
            loop {
                let Some((host, path)) = paths.lock().pop() else {
                    return outcomes;
                };
                let began = Instant::now();
                let answer = http::get(&format!("{stoa}{path}")).await.unwrap();
                outcomes.push(Outcome {
                    host,
                    path,
                    answer,
                    elapsed: began.elapsed(),
                });
            }
        });
    }
    clients.join_all().await.into_iter().flatten().collect()
}

/// Everything is right, or says whose fault it is.
fn judge(day: &Day, outcomes: &[Outcome]) {
    let files: Files = HOSTS.iter().flat_map(|host| files(host)).collect();
    for host in HOSTS {
        let of_host: Vec<_> = outcomes.iter().filter(|outcome| outcome.host == host).collect();
        let mut statuses: HashMap<u16, usize> = HashMap::new();
        for Outcome { path, answer, .. } in &of_host {
            *statuses.entry(answer.status).or_default() += 1;
            if answer.status == 200 {
                assert!(
                    answer.is_clean() && answer.body == files[path].to_bytes(),
                    "{path}"
                );
                continue;
            }
            let (name, words) = day.excuse(host);
            let text = answer.text();
            assert!(
                matches!(answer.status, 502..=504),
                "{path}: {} {text}",
                answer.status
            );
            assert!(text.contains(&name), "{path}: no {name} in {text}");
            assert!(words.iter().any(|words| text.contains(words)), "{path}: {text}");
        }
        let mut times: Vec<_> = of_host.iter().map(|outcome| outcome.elapsed).collect();
        times.sort_unstable();
        let (median, last) = (times[times.len() / 2], times[times.len() - 1]);
        let p99 = times[times.len() * 99 / 100];
        println!("{host}: {statuses:?}, median {median:?}, p99 {p99:?}, slowest {last:?}");
        if host == "good" {
            assert_eq!(statuses.len(), 1, "{statuses:?}");
            assert!(p99 < Duration::from_secs(2), "{p99:?}");
        }
    }
}

/// What the go command downloads of the good host meanwhile.
fn download(stoa: &str) -> (GoClient, usize) {
    let go = GoClient::new(stoa);
    let mut requires = String::from("module example.com/app\n\ngo 1.21\n\nrequire (\n");
    for number in 0..MODULES {
        writeln!(requires, "\t{} v1.0.0", module("good", number).path()).unwrap();
    }
    go.write("go.mod", &(requires + ")\n"));
    let output = go.run(&["mod", "download", "-json", "all"]).expect_success();
    let right = (0..MODULES).filter(|number| output.stdout.contains(&module("good", *number).h1()));
    let right = right.count();
    (go, right)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_in_a_minute() {
    let mut seed = seed();
    let day = Day::begin().await;
    let stoa = day.serve();
    let began = Instant::now();
    let url = stoa.url().to_owned();
    let builds = tokio::task::spawn_blocking(move || download(&url).1);
    let outcomes = ask_all(stoa.url(), &mut seed).await;
    assert_eq!(builds.await.unwrap(), MODULES);
    let (requests, elapsed) = (outcomes.len() + 3 * MODULES, began.elapsed());
    println!("{requests} requests in {elapsed:?}");
    judge(&day, &outcomes);
    // Nothing is remembered that was not said: when the day is over, everything is there.
    day.lasts.store(false, Ordering::Relaxed);
    let mut missing = Vec::new();
    for host in &HOSTS[..4] {
        for number in 0..MODULES {
            missing
                .extend(["list", "v1.0.0.info"].map(|file| format!("/{host}.example/m{number}/@v/{file}")));
        }
    }
    let total = missing.len();
    let over = Instant::now();
    while !missing.is_empty() {
        assert!(over.elapsed() < Duration::from_secs(60), "{missing:?}");
        let mut left = Vec::new();
        for path in missing {
            let answer = http::get(&format!("{}{path}", stoa.url())).await.unwrap();
            // A host that was silent is asked again after a while, which is said.
            assert!(
                matches!(answer.status, 200 | 503),
                "{path}: {} {}",
                answer.status,
                answer.text()
            );
            if answer.status == 503 {
                left.push(path);
            }
        }
        missing = left;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!(
        "all {total} files that were asked for again were there after {:?}",
        over.elapsed()
    );
    assert!(Path::new(&day.directory.path().join("storage")).is_dir());
}
