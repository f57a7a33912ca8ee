//! Go's own stand-in for vcs-test.golang.org: repositories of five systems with commits of fixed dates, and go-import
//! pages.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::go::{goroot, tools, version};

/// The stand-in, serving on a free port of 127.0.0.1. `scripts/tools.sh` builds it out of the go distribution.
///
/// Repositories are made by their scripts at the first request for them. Dropping it stops it and what it started.
#[derive(Debug)]
pub struct VcWeb {
    child: Child,
    url: String,
    _work: TempDir,
}

impl VcWeb {
    /// Starts it and waits until it serves.
    pub fn start() -> Self {
        let work = TempDir::new().unwrap();
        let program = tools().join(format!("vcweb-{}.test", version()));
        // Its scripts lie where its source does.
        let folder = goroot().join("src/cmd/go/internal/vcweb/vcstest");
        let home = work.path().join("home");
        fs::create_dir(&home).unwrap();
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", goroot().join("bin").display());
        let mut child = Command::new(&program)
            .args(["-test.v", "--host=127.0.0.1", "--port=0"])
            .current_dir(folder)
            .env_clear()
            .env("PATH", path)
            .env("HOME", &home)
            .env("USER", "stoa")
            .env("TMPDIR", work.path())
            .env("GOROOT", goroot())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // A group of its own, so that the servers it starts can be stopped with it.
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run scripts/tools.sh", program.display()));
        let url = serving(&mut child);
        Self {
            child,
            url,
            _work: work,
        }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address below which a server of its own has all Subversion repositories, `svn://127.0.0.1:PORT/svn`. Each is
    /// made when that address is asked for by the repository's name, as cmd/go's tests ask.
    pub fn svn(&self) -> String {
        let scripts = goroot().join("src/cmd/go/testdata/vcstest/svn");
        let scripts = fs::read_dir(&scripts).unwrap_or_else(|error| panic!("{}: {error}", scripts.display()));
        let names = scripts.map(|entry| entry.unwrap().path().file_stem().unwrap().to_owned());
        let servers: BTreeSet<_> = names
            .map(|name| self.svn_server(&name.to_string_lossy()))
            .collect();
        let [server] = &servers.into_iter().collect::<Vec<_>>()[..] else {
            panic!("more than one server of Subversion, or none");
        };
        format!("{server}/svn")
    }

    fn svn_server(&self, name: &str) -> String {
        let answer = ask(&format!("{}/svn/{name}?vcwebsvn=1", self.url));
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.contains(" 200 "), "{name}: {answer}");
        body.trim().to_owned()
    }
}

/// Has the stand-in make the repository at `url`, if it is one of its own over HTTP, and waits for that as long as it
/// takes.
pub fn make(url: &str) {
    if url.starts_with("http://") {
        ask(url);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a client of the server that is tested with"
)]
fn ask(url: &str) -> String {
    let (host, path) = crate::http::split_url(url);
    let mut stream = TcpStream::connect(host).unwrap();
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads what it says until it serves, then lets a thread read on, so that it never waits for a reader.
fn serving(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
    let mut said = String::new();
    let url = loop {
        let Some(Ok(line)) = lines.next() else {
            let _ = child.wait();
            panic!("the stand-in for vcs-test ended:\n{said}");
        };
        if let Some((_, url)) = line.split_once("serving on ") {
            break url.trim_end_matches('/').to_owned();
        }
        said.push_str(&line);
        said.push('\n');
    };
    std::thread::spawn(move || lines.for_each(drop));
    url
}

impl Drop for VcWeb {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
    }
}
