//! A client of HTTP/2 that has no queue of its own: what it asks is in the socket when it goes on.
#![expect(clippy::disallowed_methods, reason = "a client of the server that is tested")]
#![expect(clippy::unwrap_used, reason = "helper of tests")]

use std::collections::HashMap;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// The first byte of a block of headers that begins with `:status: 200` (RFC 7541, appendix A, entry 8).
const STATUS_200: u8 = 0x88;
/// Room for all answers of a test.
const WINDOW: u32 = 1 << 30;

/// One connection, which asks for one path again and again.
pub(crate) struct Frames {
    stream: TcpStream,
    block: Vec<u8>,
    next: u32,
    buffer: Vec<u8>,
    out: Vec<u8>,
}

impl Frames {
    /// Connects, and says hello.
    pub(crate) async fn connect(authority: &str, path: &str) -> Self {
        let mut stream = TcpStream::connect(authority).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut out = PREFACE.to_vec();
        frame(&mut out, (SETTINGS, 0, 0), &[]);
        frame(&mut out, (WINDOW_UPDATE, 0, 0), &WINDOW.to_be_bytes());
        stream.write_all(&out).await.unwrap();
        // GET, http, and literals that nobody has to remember (RFC 7541, section 6.2.2).
        let mut block = vec![0x82, 0x86];
        for (name, value) in [(4, path), (1, authority)] {
            block.extend([name, u8::try_from(value.len()).unwrap()]);
            block.extend_from_slice(value.as_bytes());
        }
        Self {
            stream,
            block,
            next: 1,
            buffer: Vec::new(),
            out: Vec::new(),
        }
    }

    /// Asks `streams` times at once, and once more for each answer until there were `most`. Each answer is given what
    /// `asked` said when its question was written.
    pub(crate) async fn ask(
        &mut self,
        (streams, most): (usize, usize),
        asked: impl Fn() -> usize,
        answered: impl Fn(usize),
    ) {
        let mut open = HashMap::new();
        let (mut left, mut ended) = (most, streams);
        loop {
            for _ in 0..ended.min(left) {
                open.insert(self.next, asked());
                let head = (HEADERS, END_HEADERS | END_STREAM, self.next);
                frame(&mut self.out, head, &self.block);
                self.next += 2;
            }
            left -= ended.min(left);
            self.stream.write_all(&self.out).await.unwrap();
            self.out.clear();
            if open.is_empty() {
                return;
            }
            ended = 0;
            assert_ne!(
                self.stream.read_buf(&mut self.buffer).await.unwrap(),
                0,
                "the connection was closed"
            );
            while let Some((kind, flags, stream, payload)) = take(&mut self.buffer) {
                match kind {
                    SETTINGS if flags & ACK == 0 => frame(&mut self.out, (SETTINGS, ACK, 0), &[]),
                    PING if flags & ACK == 0 => frame(&mut self.out, (PING, ACK, 0), &payload),
                    HEADERS => assert_eq!(payload[0], STATUS_200),
                    DATA => assert!(open.contains_key(&stream)),
                    SETTINGS | PING | WINDOW_UPDATE => {}
                    other => panic!("a frame of type {other}"),
                }
                if matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0 {
                    answered(open.remove(&stream).unwrap());
                    ended += 1;
                }
            }
        }
    }
}

/// Writes a frame of this type, these flags, and this stream (RFC 9113, section 4.1).
fn frame(out: &mut Vec<u8>, (kind, flags, stream): (u8, u8, u32), payload: &[u8]) {
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes()[1..]);
    out.extend([kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// The first whole frame: its type, flags, stream and payload.
fn take(buffer: &mut Vec<u8>) -> Option<(u8, u8, u32, Vec<u8>)> {
    let (head, rest) = buffer.split_first_chunk::<9>()?;
    let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    let found = (head[3], head[4], stream, rest.get(..len)?.to_vec());
    buffer.drain(..9 + len);
    Some(found)
}
