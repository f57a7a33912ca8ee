//! The lines that git's protocol is made of: four hexadecimal digits of length, then so many bytes, these four included.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The longest line.
const LONGEST: usize = 65520;

/// Ends a list of lines.
pub(super) const FLUSH: &[u8] = b"0000";

/// Stands between parts of a request.
pub(super) const DELIMITER: &[u8] = b"0001";

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    Line(&'a [u8]),
    Flush,
    Delimiter,
    /// What `git remote-http` puts after each answer.
    End,
}

/// Adds a line of text to a request.
pub(super) fn push(request: &mut Vec<u8>, line: &str) {
    request.extend_from_slice(format!("{:04x}{line}\n", line.len() + 5).as_bytes());
}

/// Reads lines into one buffer.
#[derive(Debug)]
pub(super) struct Packets<R> {
    from: R,
    line: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Packets<R> {
    pub(super) fn new(from: R) -> Self {
        Self {
            from,
            line: vec![0; LONGEST],
        }
    }

    /// The next line, its line break included; an early end is an error.
    pub(super) async fn next(&mut self) -> io::Result<Packet<'_>> {
        let mut digits = [0; 4];
        self.from.read_exact(&mut digits).await?;
        let length = std::str::from_utf8(&digits)
            .ok()
            .and_then(|digits| usize::from_str_radix(digits, 16).ok());
        match length {
            Some(0) => Ok(Packet::Flush),
            Some(1) => Ok(Packet::Delimiter),
            Some(2) => Ok(Packet::End),
            Some(length @ 4..=LONGEST) => {
                let line = &mut self.line[..length - 4];
                self.from.read_exact(line).await?;
                Ok(Packet::Line(line))
            }
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "not a line of git's protocol",
            )),
        }
    }

    pub(super) fn inner(&mut self) -> &mut R {
        &mut self.from
    }
}

/// A line as text, without its line break.
pub(super) fn text(line: &[u8]) -> &str {
    let text = std::str::from_utf8(line).unwrap_or_default();
    text.strip_suffix('\n').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn read(bytes: &[u8]) -> Vec<String> {
        let mut packets = Packets::new(bytes);
        let mut all = Vec::new();
        loop {
            match packets.next().await {
                Ok(packet) => all.push(format!("{packet:?}")),
                Err(error) => {
                    all.push(error.kind().to_string());
                    return all;
                }
            }
        }
    }

    #[tokio::test]
    async fn reads_what_is_written_and_refuses_what_is_no_line() {
        let mut request = Vec::new();
        push(&mut request, "want 1");
        for mark in [DELIMITER, FLUSH, b"0002", b"0003"] {
            request.extend_from_slice(mark);
        }
        let line = format!("{:?}", Packet::Line(b"want 1\n"));
        assert_eq!(
            read(&request).await,
            [line.as_str(), "Delimiter", "Flush", "End", "invalid data"]
        );
        assert_eq!(read(b"0009abc").await, ["unexpected end of file"]);
        assert_eq!(read(b"fff5").await, ["invalid data"]);
    }

    proptest! {
        #[test]
        fn takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(read(&bytes));
        }
    }
}
