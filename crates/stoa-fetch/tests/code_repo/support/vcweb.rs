//! Go's own stand-in for vcs-test.golang.org, which is in every Go distribution.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

/// The distribution that `scripts/tools.sh` installs.
const GO: &str = "go-1.26.6";

/// A running server. It ends with this value, and so do its repositories.
#[derive(Debug)]
pub(crate) struct Vcweb {
    server: Child,
    /// Its URL, without a slash at the end.
    pub(crate) url: String,
    _dir: TempDir,
}

impl Vcweb {
    /// Starts one on a free port. The program is built when it is missing, which takes a minute, and kept.
    pub(crate) fn start() -> Self {
        let home = std::env::home_dir().unwrap();
        let cache = std::env::var_os("STOA_CACHE").map_or_else(|| home.join(".cache/stoa"), PathBuf::from);
        let root = cache.join("tools").join(GO);
        let source = root.join("src/cmd/go/internal/vcweb/vcstest");
        assert!(source.is_dir(), "{}: run scripts/tools.sh", source.display());
        let program = build(&cache, &root, &source);
        let dir = tempfile::tempdir().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path: Vec<_> = std::iter::once(root.join("bin"))
            .chain(std::env::split_paths(&path))
            .collect();
        let mut server = Command::new(program)
            .args(["-test.v", "-test.timeout", "0", "-port", "0"])
            .current_dir(source)
            .env("GOROOT", root)
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("USER", "gopher")
            .env("TMPDIR", dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(server.stderr.take().unwrap()).lines();
        let line = said.find_map(|line| {
            let line = line.unwrap();
            line.split_once("serving on ").map(|(_, url)| url.to_owned())
        });
        // It must never wait for somebody to read what it says.
        std::thread::spawn(move || said.for_each(drop));
        Self {
            server,
            url: line.expect("a URL").trim_end_matches('/').to_owned(),
            _dir: dir,
        }
    }
}

impl Drop for Vcweb {
    fn drop(&mut self) {
        let _gone = self.server.kill();
        let _status = self.server.wait();
    }
}

/// The program, from the cache or new.
fn build(cache: &Path, root: &Path, source: &Path) -> PathBuf {
    let dir = cache.join("vcweb");
    let program = dir.join(format!("{GO}.test"));
    if program.try_exists().unwrap() {
        return program;
    }
    fs::create_dir_all(&dir).unwrap();
    // Whoever else builds it now makes the same program: the last one to be ready wins.
    let fresh = dir.join(format!("{}.{}", GO, std::process::id()));
    let status = Command::new(root.join("bin/go"))
        .args(["test", "-c", "-o"])
        .arg(&fresh)
        .arg("cmd/go/internal/vcweb/vcstest")
        .current_dir(source)
        .env("GOROOT", root)
        .env("GOTOOLCHAIN", "local")
        .env("GOCACHE", cache.join("tools/build-cache"))
        .status()
        .unwrap();
    assert!(status.success(), "building {}: {status}", source.display());
    fs::rename(fresh, &program).unwrap();
    program
}
