//! A client of HTTP/2 that takes no more than it says, frame by frame.
#![expect(clippy::disallowed_methods, reason = "a client of the server that is tested")]

use std::io;
use std::time::Duration;

use stoa_testing::process::StoaProcess;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS_AND_STREAM: u8 = 5;

const INITIAL_WINDOW_SIZE: u16 = 4;
pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;

/// How long something that must come may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// A frame that came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// A connection that answers pings and settings when it is read, and takes nothing by itself.
#[derive(Debug)]
pub(crate) struct RawHttp2 {
    stream: TcpStream,
}

/// A frame as it is sent.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![len[1], len[2], len[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A request for a path, with literals that need no table.
pub(crate) fn request(stream: u32, host: &str, path: &str) -> Vec<u8> {
    let mut head = vec![0x82, 0x86];
    for (name, value) in [(4, path), (1, host)] {
        head.push(name);
        head.push(u8::try_from(value.len()).ok().filter(|len| *len < 127).unwrap());
        head.extend(value.as_bytes());
    }
    frame(HEADERS, END_HEADERS_AND_STREAM, stream, &head)
}

impl Frame {
    /// Whether the server sends nothing more on this stream.
    pub(crate) fn is_last(&self) -> bool {
        self.flags & END_STREAM != 0
    }
}

impl RawHttp2 {
    /// Connects with this window for each stream.
    pub(crate) async fn open(stoa: &StoaProcess, window: u32) -> Self {
        let address = stoa.url().trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut client = Self { stream };
        client.stream.write_all(PREFACE).await.unwrap();
        let mut settings = INITIAL_WINDOW_SIZE.to_be_bytes().to_vec();
        settings.extend(window.to_be_bytes());
        client.send(SETTINGS, 0, 0, &settings).await;
        client
    }

    /// Asks for a path on a stream.
    pub(crate) async fn ask(&mut self, stream: u32, host: &str, path: &str) {
        self.write(&request(stream, host, path)).await;
    }

    /// Takes so many bytes more on a stream; 0 is the connection.
    pub(crate) async fn take(&mut self, stream: u32, bytes: u32) {
        self.send(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes()).await;
    }

    pub(crate) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.write(&frame(kind, flags, stream, payload)).await;
    }

    /// Sends frames at once.
    pub(crate) async fn write(&mut self, frames: &[u8]) {
        // What a server that has closed says is in what it sent.
        let _closed = self.stream.write_all(frames).await;
    }

    /// The next frame; `None` when the server has closed.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let next = tokio::time::timeout(DEADLINE, self.read_frame());
        let frame = next.await.expect("a frame, or the end").ok()?;
        match (frame.kind, frame.flags & ACK) {
            (SETTINGS, 0) => self.send(SETTINGS, ACK, 0, &[]).await,
            (PING, 0) => self.send(PING, ACK, 0, &frame.payload).await,
            _ => {}
        }
        Some(frame)
    }

    /// The next frame of this kind; `None` when the server has closed before.
    pub(crate) async fn next_of(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if frame.kind == kind && (kind != SETTINGS || frame.flags & ACK == 0) {
                return Some(frame);
            }
        }
    }

    /// What the server has set, if it has.
    pub(crate) async fn setting(&mut self, which: u16) -> Option<u32> {
        let settings = self.next_of(SETTINGS).await?;
        let mut all = settings.payload.chunks(6);
        all.find_map(|one| {
            (one[..2] == which.to_be_bytes()).then(|| u32::from_be_bytes(one[2..].try_into().unwrap()))
        })
    }

    /// Reads until the server closes.
    pub(crate) async fn closed(&mut self) {
        while self.next().await.is_some() {}
    }

    async fn read_frame(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await?;
        let len = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; len as usize];
        self.stream.read_exact(&mut payload).await?;
        Ok(Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes(head[5..9].try_into().unwrap()),
            payload,
        })
    }
}
