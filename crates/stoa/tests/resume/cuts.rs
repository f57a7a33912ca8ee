//! Answers that end anywhere: a failure is never an answer.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::http;
use stoa_testing::process::StoaProcess;

use crate::cut_source::{Content, Cut, CutSource, End, Framing, response};
use crate::{STOA, random, seed};

/// So many are asked at once, since each is asked of its source for some seconds.
pub(crate) const AT_ONCE: usize = 192;

/// So many of all places are taken, unless `STOA_FAULTS=all` takes each.
const SAMPLE: usize = 400;

/// What is asked of a module, and what its source has of it.
struct Kind {
    /// Behind the path of the module.
    file: &'static str,
    content: fn(&ModuleFixture) -> Bytes,
}

const KINDS: [Kind; 6] = [
    Kind {
        file: "@v/list",
        content: |_| Bytes::from_static(b"v1.0.0\nv1.1.0\nv1.2.0\n"),
    },
    Kind {
        file: "@latest",
        content: |_| INFO.into(),
    },
    Kind {
        file: "@v/v1.0.0.info",
        content: |_| INFO.into(),
    },
    Kind {
        file: "@v/main.info",
        content: |_| INFO.into(),
    },
    Kind {
        file: "@v/v1.0.0.mod",
        content: ModuleFixture::go_mod,
    },
    Kind {
        file: "@v/v1.0.0.zip",
        content: |module| module.zip().to_bytes(),
    },
];

const INFO: &str = r#"{"Version":"v1.0.0","Time":"2024-05-06T07:08:09Z"}"#;

/// One question whose answer is cut.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// What is asked of stoa.
    pub(crate) path: String,
    pub(crate) want: Bytes,
    pub(crate) cut: Cut,
    /// The bytes of the answer that is cut.
    pub(crate) whole: usize,
}

/// Every place at which an answer with this body can be cut. The last one cuts nothing.
pub(crate) fn places(body: &[u8], framings: &[Framing]) -> Vec<Cut> {
    let mut places = Vec::new();
    for &framing in framings {
        for at in 0..=response(framing, body).len() {
            for end in [End::Close, End::Reset] {
                places.push(Cut { framing, end, at });
            }
        }
    }
    places
}

/// As many of these as are taken, by chance; all with `STOA_FAULTS=all`.
pub(crate) fn sample<T>(mut all: Vec<T>, count: usize, seed: &mut u64) -> Vec<T> {
    if stoa_testing::go::environment("STOA_FAULTS").is_some_and(|faults| faults == "all") {
        return all;
    }
    while all.len() > count {
        let at = usize::try_from(random(seed, all.len() as u64)).unwrap();
        drop(all.swap_remove(at));
    }
    all
}

/// stoa, which asks as often as it may.
pub(crate) fn stoa(directory: &Path, environment: &[(&str, &str)]) -> StoaProcess {
    let environment = environment.iter().chain(&[
        ("STOA_DISPATCH_BREAKER", "disabled"),
        ("STOA_DISPATCH_RETRIES", "0"),
        ("STOA_DISPATCH_CONCURRENCY", "256"),
        ("STOA_DISPATCH_QUEUE", "4096"),
        ("STOA_CACHE_NEGATIVE_TTL", "1h"),
        // A zip is asked for again for half a minute, if there is time.
        ("STOA_FETCH_TOTAL_TIMEOUT", "6s"),
    ]);
    let command = StoaProcess::command(STOA).storage(&directory.join("storage"));
    environment
        .fold(command, |command, (name, value)| command.env(name, value))
        .start()
}

/// Asks for all; what is wrong with the answers. A failure may be told while the source fails, and only then.
pub(crate) async fn wrong(stoa: &StoaProcess, cases: &[Case], may_fail: bool) -> Vec<String> {
    let asked = cases.iter().map(|case| async move {
        let url = format!("{}{}", stoa.url(), case.path);
        let answer = match http::get(&url).await {
            Ok(answer) => answer,
            Err(_) if may_fail => return None,
            Err(error) => return Some(format!("{case:?}: {error}")),
        };
        let is_right = answer.status == 200 && answer.is_clean() && answer.body == case.want;
        // A cut answer is taken for a failure.
        let is_failure = matches!(answer.status, 502..=504) || !answer.is_clean();
        let is_whole = case.cut.at >= case.whole;
        // Without the end of the connection for an end, a whole answer is one.
        let must = is_whole && case.cut.end == End::Close && case.cut.framing != Framing::Close;
        let is_good = is_right || may_fail && is_failure && !must;
        let text = String::from_utf8_lossy(&answer.body);
        (!is_good).then(|| format!("{} {:?}: {} {text:?}", case.path, case.cut, answer.status))
    });
    let asked: Vec<_> = asked.collect();
    let wrong = stream::iter(asked).buffer_unordered(AT_ONCE);
    wrong.filter_map(std::future::ready).collect().await
}

/// Asks while the source cuts and when it does no longer.
pub(crate) async fn check(what: &str, stoa: &StoaProcess, source: &CutSource, cases: &[Case]) -> Vec<String> {
    let began = std::time::Instant::now();
    let mut all = wrong(stoa, cases, true).await;
    source.mend();
    let after = wrong(stoa, cases, false).await;
    println!(
        "{what}: {} cases, {} wrong while cut, {} after, {:?}",
        cases.len(),
        all.len(),
        after.len(),
        began.elapsed()
    );
    all.extend(after.into_iter().map(|wrong| format!("after: {wrong}")));
    all
}

/// What is wrong, as it prints.
pub(crate) fn told(wrong: &[String]) -> String {
    wrong.iter().take(40).fold(String::new(), |mut text, wrong| {
        writeln!(text, "{wrong}").unwrap();
        text
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_answer_of_a_proxy_is_no_answer() {
    let mut seed = seed();
    let mut all = Vec::new();
    let framings = [Framing::Length, Framing::Chunked, Framing::Close];
    for kind in &KINDS {
        // The paths have one length, and so have the answers.
        let body = (kind.content)(&ModuleFixture::new("example.com/m00000", "v1.0.0"));
        all.extend(places(&body, &framings).into_iter().map(|cut| (kind, cut)));
    }
    let mut cases = Vec::new();
    let mut sends = BTreeMap::new();
    for (number, (kind, cut)) in sample(all, SAMPLE, &mut seed).into_iter().enumerate() {
        let module = ModuleFixture::new(&format!("example.com/m{number:05}"), "v1.0.0");
        let path = |file| format!("/{}/{file}", module.path());
        for other in &KINDS {
            let cut = (other.file == kind.file).then_some(cut);
            sends.insert(path(other.file), ((other.content)(&module), cut));
        }
        cases.push(Case {
            path: path(kind.file),
            want: (kind.content)(&module),
            cut,
            whole: response(cut.framing, &(kind.content)(&module)).len(),
        });
    }
    let source = CutSource::start(move |path| {
        let (body, cut) = sends.get(path)?;
        Some((Content::Bytes(body.clone()), *cut))
    })
    .await;
    let directory = tempfile::tempdir().unwrap();
    let stoa = stoa(directory.path(), &[("STOA_UPSTREAM", &source.url)]);
    let wrong = check("proxy", &stoa, &source, &cases).await;
    assert!(wrong.is_empty(), "{}", told(&wrong));
}

/// Two tags of one module, of which the second one counts; what the first one names is not there.
fn page(name: &str) -> Bytes {
    let tag = |rest| format!("<meta name=\"go-import\" content=\"corp.example/{name} {rest}\">");
    let (git, proxy) = (
        tag("git https://corp.example/gone"),
        tag("mod https://corp.example/proxy"),
    );
    format!("<html><head>{git}{proxy}</head><body>x</body></html>").into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_page_is_no_answer() {
    let mut seed = seed();
    let framings = [Framing::Length, Framing::Chunked, Framing::Close];
    let all = places(&page("m00000"), &framings);
    let mut sends = BTreeMap::new();
    let mut cases = Vec::new();
    for (number, cut) in sample(all, SAMPLE / 4, &mut seed).into_iter().enumerate() {
        let name = format!("m{number:05}");
        let module = ModuleFixture::new(&format!("corp.example/{name}"), "v1.0.0");
        sends.insert(
            format!("/proxy{}", module.url_path("mod")),
            (module.go_mod(), None),
        );
        sends.insert(format!("/{name}"), (page(&name), Some(cut)));
        cases.push(Case {
            path: module.url_path("mod"),
            want: module.go_mod(),
            cut,
            whole: response(cut.framing, &page(&name)).len(),
        });
    }
    let source = CutSource::start(move |path| {
        let (body, cut) = sends.get(path)?;
        Some((Content::Bytes(body.clone()), *cut))
    })
    .await;
    let directory = tempfile::tempdir().unwrap();
    let config = format!(
        "upstream = \"direct\"\n[[rewrite]]\nfrom = \"https://corp.example/\"\nto = \"{}/\"\n",
        source.url
    );
    let file = directory.path().join("stoa.toml");
    std::fs::write(&file, config).unwrap();
    let stoa = stoa(directory.path(), &[("STOA_CONFIG", file.to_str().unwrap())]);
    let wrong = check("page", &stoa, &source, &cases).await;
    assert!(wrong.is_empty(), "{}", told(&wrong));
}
