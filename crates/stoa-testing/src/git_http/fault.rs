//! Answers that are not what they should be.

use std::io;
use std::net::TcpStream;

use socket2::SockRef;

use super::backend::reply;

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another status, such as `503 Service Unavailable`, and a few words.
    Status(&'static str),
    /// A page with the status 200, of something in between.
    Page,
    /// So many bytes of the body; then the connection ends, though more was announced.
    Break(usize),
    /// So many bytes of the body, announced as the whole.
    Short(usize),
    /// So many bytes of the answer; then the connection is reset.
    Reset(usize),
}

impl Fault {
    /// The answer with this fault.
    pub(crate) fn of(self, mut answer: Vec<u8>) -> Vec<u8> {
        let split = answer.windows(4).position(|part| part == b"\r\n\r\n");
        let body = split.map_or(answer.len(), |split| split + 4);
        match self {
            Self::Status(status) => reply(status, "Content-Type: text/plain\r\n", b"not now\n"),
            Self::Page => reply(
                "200 OK",
                "Content-Type: text/html\r\n",
                b"<html>Please log in</html>",
            ),
            Self::Break(bytes) => {
                answer.truncate(body + bytes);
                answer
            }
            Self::Short(bytes) => {
                let head = String::from_utf8_lossy(&answer[..body]).into_owned();
                let lines = head.lines().skip(1).filter(|line| !line.is_empty());
                let kept = lines.filter(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
                let kept = kept.filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
                let kept: String = kept.flat_map(|line| [line, "\r\n"]).collect();
                let status = head.split_once(' ').and_then(|(_, rest)| rest.lines().next());
                let end = answer.len().min(body + bytes);
                reply(status.unwrap_or("200 OK"), &kept, &answer[body..end])
            }
            Self::Reset(bytes) => {
                answer.truncate(bytes);
                answer
            }
        }
    }

    /// Ends the connection.
    pub(crate) fn end(self, stream: &TcpStream) -> io::Result<()> {
        match self {
            Self::Reset(_) => SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO)),
            _ => Ok(()),
        }
    }
}
