//! What most tests of the server begin with.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use crate::fixtures::{ExampleWorkspace, ModuleFixture, example_workspace};
use crate::process::{StoaCommand, StoaProcess};
use crate::upstream::Upstream;

/// An upstream that has the example, and a directory for stoa to keep modules in.
#[derive(Debug)]
pub struct Scene {
    /// The upstream; what it does is up to the test.
    pub upstream: Upstream,
    /// What is published there.
    pub example: ExampleWorkspace,
    binary: String,
    directory: TempDir,
}

/// A directory that other users cannot enter, so that files with secrets may stand in it.
pub fn private_directory() -> TempDir {
    let private = std::fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().permissions(private).tempdir().unwrap()
}

impl Scene {
    /// A scene for this binary: `env!("CARGO_BIN_EXE_stoa")` in a test of the binary's crate.
    pub fn new(binary: &str) -> Self {
        let (upstream, example) = (Upstream::start_blocking(), example_workspace());
        example.publish(&upstream);
        Self {
            upstream,
            example,
            binary: binary.to_owned(),
            directory: private_directory(),
        }
    }

    /// A directory of the test's own, with the storage in it.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Where stoa keeps modules.
    pub fn storage(&self) -> std::path::PathBuf {
        self.directory.path().join("storage")
    }

    /// stoa with this storage and upstream, not yet started.
    pub fn stoa(&self) -> StoaCommand {
        StoaProcess::command(&self.binary)
            .storage(&self.storage())
            .upstream(&self.upstream.url())
    }

    /// stoa with this storage and upstream, listening.
    pub fn start(&self) -> StoaProcess {
        self.stoa().start()
    }

    /// stoa with these environment variables besides.
    pub fn start_with(&self, environment: &[(&str, &str)]) -> StoaProcess {
        let set = |command: StoaCommand, (name, value): &(&str, &str)| command.env(name, value);
        environment.iter().fold(self.stoa(), set).start()
    }

    /// `example.com/greet v1.0.0`, which most tests of one file ask for.
    pub fn greet(&self) -> &ModuleFixture {
        self.example.module("example.com/greet", "v1.0.0")
    }
}
