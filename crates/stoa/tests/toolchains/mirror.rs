//! A server of release archives as go.dev is one, and stoa before it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use stoa_testing::content::Content;
use stoa_testing::http::{self, Response};
use stoa_testing::process::{StoaCommand, StoaProcess};
use stoa_testing::reply::Reply;
use stoa_testing::scene::private_directory;
use stoa_testing::upstream::Upstream;
use tempfile::TempDir;

pub(crate) const STOA: &str = env!("CARGO_BIN_EXE_stoa");

/// An archive that is waited for, and one that is handed out while it arrives.
pub(crate) const SMALL: &str = "go1.98.0.linux-amd64.tar.gz";
pub(crate) const LARGE: &str = "go1.99.0.linux-amd64.tar.gz";

/// The content of these.
pub(crate) fn content(name: &str) -> Content {
    match name {
        SMALL => Content::random(300_000, 1),
        LARGE => Content::random(3 << 20, 2),
        _ => Content::random(1000, 3),
    }
}

/// What an index says: of which archives, which sum, which length.
type Entries = Arc<Mutex<Vec<(String, String, u64)>>>;

/// `/dl/` answers with the index, and leads to another server for archives.
pub(crate) struct Mirror {
    /// As go.dev.
    pub(crate) front: Upstream,
    /// As dl.google.com.
    pub(crate) back: Upstream,
    entries: Entries,
    directory: TempDir,
}

impl Mirror {
    /// One that has both archives.
    pub(crate) fn new() -> Self {
        let mirror = Self {
            front: Upstream::start_blocking(),
            back: Upstream::start_blocking(),
            entries: Entries::default(),
            directory: private_directory(),
        };
        let (entries, back) = (Arc::clone(&mirror.entries), mirror.back.url());
        mirror
            .front
            .answer_with(move |request| match request.path.strip_prefix("/dl/") {
                Some("") => Reply::Ok {
                    content_type: "application/json".to_owned(),
                    body: index(&entries.lock().unwrap(), request.target.contains("include=all")).into(),
                },
                Some(file) => Reply::Redirect(format!("{back}/go/{file}")),
                None => Reply::text(404, "404 page not found\n"),
            });
        mirror.publish(SMALL).publish(LARGE)
    }

    /// Lists an archive and has it.
    pub(crate) fn publish(self, name: &str) -> Self {
        self.release(name);
        self
    }

    /// The same.
    pub(crate) fn release(&self, name: &str) {
        self.release_as(name, content(name));
    }

    /// The same, of an archive with this content.
    pub(crate) fn release_as(&self, name: &str, content: Content) {
        self.list(name, &content.sha256(), content.len());
        let tagged = Reply::Ranged {
            etag: format!("\"{name}\""),
            body: content,
        };
        self.back.on(&Self::behind(name), tagged);
    }

    /// Lists something, in place of what was listed under this name.
    pub(crate) fn list(&self, name: &str, sha256: &str, len: u64) {
        let mut entries = self.entries.lock().unwrap();
        entries.retain(|(known, ..)| known != name);
        entries.push((name.to_owned(), sha256.to_owned(), len));
    }

    /// Where an archive is behind the front.
    pub(crate) fn behind(name: &str) -> String {
        format!("/go/{name}")
    }

    /// stoa that mirrors it, not yet started; nothing is repeated.
    pub(crate) fn stoa(&self) -> StoaCommand {
        self.mirrored_by(self.stoa_in("storage"))
    }

    /// stoa with a storage of any kind, that mirrors it.
    pub(crate) fn stoa_with(&self, storage: &str) -> StoaCommand {
        self.mirrored_by(Self::stoa_at(storage))
    }

    /// What mirrors it.
    fn mirrored_by(&self, stoa: StoaCommand) -> StoaCommand {
        stoa.env("STOA_TOOLCHAINS_UPSTREAM", &format!("{}/dl/", self.front.url()))
            .env("STOA_TOOLCHAINS_HOSTS", &self.back.address().to_string())
    }

    /// stoa with another storage, that mirrors nothing yet.
    pub(crate) fn stoa_in(&self, storage: &str) -> StoaCommand {
        let storage = self.path(storage);
        Self::stoa_at(storage.to_str().unwrap())
    }

    /// stoa with a storage of any kind, that mirrors nothing yet.
    fn stoa_at(storage: &str) -> StoaCommand {
        StoaProcess::command(STOA)
            .args(&["--storage", storage])
            .upstream("off")
            .env("STOA_DISPATCH_BREAKER", "disabled")
            .env("STOA_DISPATCH_RETRIES", "0")
            .env("STOA_CACHE_NEGATIVE_TTL", "0s")
    }

    pub(crate) fn start(&self) -> StoaProcess {
        self.stoa().start()
    }

    /// A place of the test's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where an archive is stored.
    pub(crate) fn stored(&self, name: &str) -> PathBuf {
        self.path("storage/dl").join(name)
    }

    /// What is stored of an archive.
    pub(crate) fn kept(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.stored(name)).ok()
    }

    /// How often the index was read, and how often an archive was.
    pub(crate) fn counts(&self, name: &str) -> (usize, usize) {
        (self.front.count("/dl/"), self.back.count(&Self::behind(name)))
    }
}

fn index(entries: &[(String, String, u64)], is_all: bool) -> String {
    let entries = entries.iter().filter(|(name, ..)| is_all || name != SMALL);
    let releases: Vec<_> = entries
        .map(|(name, sha256, len)| {
            let version = name.split(".linux").next().unwrap_or_default();
            serde_json::json!({
                "version": version,
                "stable": true,
                "files": [{
                    "filename": name, "os": "linux", "arch": "amd64", "version": version,
                    "sha256": sha256, "size": len, "kind": "archive",
                }],
            })
        })
        .collect();
    serde_json::to_string_pretty(&releases).unwrap()
}

pub(crate) async fn get(stoa: &StoaProcess, path: &str) -> Response {
    ask(stoa, "GET", path, &[]).await
}

pub(crate) async fn ask(stoa: &StoaProcess, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let url = format!("{}{path}", stoa.url());
    let answer = http::request(method, &url, headers, b"").await;
    answer.unwrap_or_else(|error| panic!("{path}: {error}\n{}", stoa.output()))
}

/// The value of a counter, as its line in the metrics has it.
pub(crate) async fn metric(stoa: &StoaProcess, series: &str) -> u64 {
    let metrics = get(stoa, "/metrics").await;
    let value = metrics
        .text()
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().unwrap())
}

/// An error in plain text, with these words in it.
#[track_caller]
pub(crate) fn assert_error(case: &str, answer: &Response, status: u16, words: &[&str]) {
    assert_eq!(answer.status, status, "{case}: {}", answer.text());
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8"),
        "{case}"
    );
    let text = answer.text();
    for word in words {
        assert!(text.contains(word), "{case}: no {word:?} in {text:?}");
    }
}
