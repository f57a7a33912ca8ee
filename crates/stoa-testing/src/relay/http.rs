//! Relaying requests, each with its answer as a whole.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use super::state::{Origin, State, Trouble};
use crate::git_http::backend::reply;
use crate::git_http::request::Request;

/// What is of one connection only.
const HOP: [&str; 4] = [
    "connection",
    "content-length",
    "transfer-encoding",
    "proxy-connection",
];

/// Answers one request, and ends the connection.
pub(super) fn relay(state: &State, origin: &Origin, mut client: TcpStream) -> io::Result<()> {
    let request = Request::read(&client)?;
    if request.method().is_empty() {
        return Ok(());
    }
    let number = {
        let mut sent = state.sent.lock().unwrap();
        sent.push(0);
        sent.len() - 1
    };
    let answer = match origin {
        Origin::Files(root) => file(root, request.path()),
        Origin::Http(address) | Origin::Stream(address) => ask(address, &request)?,
    };
    if let Some(sent) = state.sent.lock().unwrap().get_mut(number) {
        *sent = answer.len();
    }
    match state.trouble() {
        Trouble::Answer(which, fault) if which == number => {
            client.write_all(&fault.of(answer))?;
            fault.end(&client)
        }
        Trouble::StallAnswer(which, bytes) if which == number => {
            client.write_all(&answer[..bytes.min(answer.len())])?;
            // Until the client goes away.
            client.read(&mut [0]).map(drop)
        }
        _ => client.write_all(&answer),
    }
}

fn file(root: &Path, path: &str) -> Vec<u8> {
    match fs::read(root.join(path.trim_start_matches('/'))) {
        Ok(data) => reply("200 OK", "", &data),
        Err(_) => reply("404 Not Found", "", b""),
    }
}

/// The whole answer of a server, with its length announced. An old version of HTTP keeps it in one piece.
#[expect(
    clippy::disallowed_methods,
    reason = "the server behind the one that is tested with"
)]
fn ask(address: &str, request: &Request) -> io::Result<Vec<u8>> {
    let mut text = format!("{} {} HTTP/1.0\r\n", request.method(), request.target());
    for (name, value) in request.headers().filter(|(name, _)| !HOP.contains(name)) {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n", request.body.len()));
    let mut server = TcpStream::connect(address)?;
    server.write_all(&[text.as_bytes(), &request.body].concat())?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    let split = answer.windows(4).position(|part| part == b"\r\n\r\n");
    let split = split.ok_or_else(|| io::Error::other("no answer"))?;
    let head = String::from_utf8_lossy(&answer[..split]).into_owned();
    let (first, lines) = head.split_once("\r\n").unwrap_or((&head, ""));
    let status = first.split_once(' ').map_or("200 OK", |(_, status)| status);
    let is_ours = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default();
        !HOP.contains(&name.to_ascii_lowercase().as_str())
    };
    let kept = lines.lines().filter(is_ours).flat_map(|line| [line, "\r\n"]);
    Ok(reply(status, &kept.collect::<String>(), &answer[split + 4..]))
}
