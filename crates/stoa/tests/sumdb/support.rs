//! What the tests share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::go::GoClient;
use stoa_testing::http::{self, Response};
use stoa_testing::process::{StoaCommand, StoaProcess};
use stoa_testing::scene::Scene;
use stoa_testing::sum_database::SumDatabase;

pub(crate) const STOA: &str = env!("CARGO_BIN_EXE_stoa");

/// An upstream, a database that knows all that the upstream has, and a place for stoa's storage.
pub(crate) struct Stand {
    pub(crate) scene: Scene,
    pub(crate) database: SumDatabase,
}

impl Stand {
    pub(crate) fn new() -> Self {
        Self::with(SumDatabase::start())
    }

    pub(crate) fn with(database: SumDatabase) -> Self {
        let scene = Scene::new(STOA);
        database.modules(&scene.example.modules);
        Self { scene, database }
    }

    /// stoa with this upstream and database, not yet started. Nothing breaks off because much fails, and nothing is
    /// repeated, so that each question is seen once.
    pub(crate) fn stoa(&self) -> StoaCommand {
        self.scene
            .stoa()
            .env("STOA_SUMDB_DATABASES", &self.database.gosumdb())
            .env("STOA_DISPATCH_BREAKER", "disabled")
            .env("STOA_DISPATCH_RETRIES", "0")
            .env("STOA_CACHE_NEGATIVE_TTL", "0s")
    }

    /// A configuration that calls these modules private and names the upstream as their source; its path.
    pub(crate) fn private(&self, patterns: &str) -> String {
        let config = self.scene.directory().join("private.toml");
        let text = format!(
            "[vcs]\nprivate = \"{patterns}\"\n[[route]]\nmatch = \"{patterns}\"\nupstream = \"{}\"\n",
            self.scene.upstream.url()
        );
        std::fs::write(&config, text).unwrap();
        config.to_str().unwrap().to_owned()
    }

    pub(crate) fn start(&self) -> StoaProcess {
        self.stoa().start()
    }

    /// A go command that verifies with the database through stoa, and has downloaded nothing.
    pub(crate) fn go(&self, stoa: &StoaProcess) -> Arc<GoClient> {
        Arc::new(GoClient::new(stoa.url()).verify_with(&self.database.key()))
    }

    /// The same with a program to build.
    pub(crate) fn app(&self, stoa: &StoaProcess) -> Arc<GoClient> {
        let go = self.go(stoa);
        self.scene.example.write_app(&go.directory());
        go
    }

    /// Where stoa passes a path of the database on.
    pub(crate) fn passed(&self, path: &str) -> String {
        format!("/sumdb/{}{path}", self.database.name())
    }

    pub(crate) fn stored(&self, module: &ModuleFixture, suffix: &str) -> PathBuf {
        self.scene.storage().join(&module.url_path(suffix)[1..])
    }

    pub(crate) fn is_stored(&self, module: &ModuleFixture, suffix: &str) -> bool {
        is_there(&self.stored(module, suffix))
    }

    pub(crate) fn rejected(&self, module: &ModuleFixture, suffix: &str) -> PathBuf {
        let rejected = self.scene.storage().join(".stoa/quarantine/rejected");
        rejected.join(&module.url_path(suffix)[1..])
    }
}

pub(crate) fn is_there(path: &Path) -> bool {
    std::fs::exists(path).unwrap()
}

/// The path of a lookup, below a database.
pub(crate) fn lookup(module: &ModuleFixture) -> String {
    format!("/lookup/{}@{}", module.escaped_path(), module.version())
}

pub(crate) async fn get(stoa: &StoaProcess, path: &str) -> Response {
    let answer = http::get(&format!("{}{path}", stoa.url())).await;
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

/// An error as the go command can print it, with these words in it.
#[track_caller]
pub(crate) fn assert_error(answer: &Response, status: u16, words: &[&str]) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    let text = answer.text();
    for word in words {
        assert!(text.contains(word), "no {word:?} in {text:?}");
    }
    assert!(text.lines().count() <= 8 && text.len() <= 648, "{text:?}");
}
