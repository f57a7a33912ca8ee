//! Answers, those of `git http-backend` among them.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use super::request::Request;

/// A whole answer, after which the connection ends.
pub(crate) fn reply(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// What `git http-backend` answers about the repositories below `root`; if `is_old`, without version 2 of the protocol.
pub(crate) fn backend(root: &Path, request: &Request, is_old: bool) -> io::Result<Vec<u8>> {
    let header = |name| request.header(name).unwrap_or_default();
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("PATH_INFO", request.path())
        .env("QUERY_STRING", request.query())
        .env("REQUEST_METHOD", request.method())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", if is_old { "" } else { header("git-protocol") })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take().expect("a pipe");
    let body = request.body.clone();
    let writer = thread::spawn(move || drop(stdin.write_all(&body)));
    let output = child.wait_with_output()?.stdout;
    writer.join().expect("no panic");
    let split = output.windows(4).position(|part| part == b"\r\n\r\n");
    let split = split.unwrap_or(output.len());
    let head = String::from_utf8_lossy(&output[..split]).into_owned();
    let (mut status, mut headers) = ("200 OK", String::new());
    for line in head.lines() {
        match line.strip_prefix("Status: ") {
            Some(said) => status = said,
            None => headers.push_str(&format!("{line}\r\n")),
        }
    }
    Ok(reply(
        status,
        &headers,
        output.get(split + 4..).unwrap_or_default(),
    ))
}
