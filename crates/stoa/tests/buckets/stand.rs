//! A bucket, an upstream, and servers between them.

use std::path::PathBuf;

use stoa_testing::{
    buckets::{Between, Moto},
    process::{Finished, StoaProcess, run},
    upstream::Upstream,
};
use tempfile::TempDir;

use crate::STOA;

/// Where the modules are.
pub(crate) const STORAGE: &str = "s3://modules/go";

/// A bucket of moto behind something that counts, and an upstream.
pub(crate) struct Stand {
    pub(crate) directory: TempDir,
    _moto: Moto,
    pub(crate) between: Between,
    pub(crate) upstream: Upstream,
}

impl Stand {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let moto = Moto::start();
        moto.create("modules");
        std::fs::write(directory.path().join("secret"), "a secret\n").unwrap();
        Self {
            between: Between::start(moto.port()),
            _moto: moto,
            directory,
            upstream: Upstream::start().await,
        }
    }

    /// How a server with this name is set up.
    fn environment(&self, name: &str) -> Vec<(&'static str, String)> {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        vec![
            ("STOA_STORAGE_OPTIONS_ENDPOINT", self.between.endpoint()),
            ("STOA_STORAGE_OPTIONS_ALLOW_HTTP", "true".to_owned()),
            ("STOA_STORAGE_OPTIONS_ACCESS_KEY_ID", "key".to_owned()),
            ("STOA_STORAGE_OPTIONS_SECRET_KEY_FILE", path("secret")),
            ("STOA_STORAGE_OPTIONS_STAGING", path(&format!("staging-{name}"))),
            ("XDG_DATA_HOME", path(&format!("home-{name}"))),
            ("STOA_UPSTREAM", self.upstream.url()),
        ]
    }

    /// Starts a server that keeps modules in `storage`.
    pub(crate) fn start(&self, name: &str, storage: &str) -> StoaProcess {
        self.start_with(name, storage, &[])
    }

    /// The same, with more settings.
    pub(crate) fn start_with(&self, name: &str, storage: &str, more: &[(&str, &str)]) -> StoaProcess {
        let mut command = StoaProcess::command(STOA).args(&["--storage", storage]);
        for (name, value) in self.environment(name) {
            command = command.env(name, &value);
        }
        for (name, value) in more {
            command = command.env(name, value);
        }
        command.start()
    }

    /// Runs a command on the bucket.
    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        let environment = self.environment("command");
        let environment: Vec<_> = environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        run(STOA, &[arguments, &["--storage", STORAGE]].concat(), &environment)
    }

    /// A directory of this stand.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}
