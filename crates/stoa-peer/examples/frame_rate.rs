//! How many bytes a second writer and reader pass on one core, with pieces of 128 KiB. Run it with `--release`.

use std::{
    error::Error,
    io::{self, Write as _},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Method};
use stoa_peer::{FrameEvent, Hello, Node, Request, Secret, Secrets, Sessions, SessionsOptions};

/// The bytes of a piece.
const PIECE: usize = 128 << 10;

/// How many pieces make an answer.
const PIECES: usize = 4096;

/// A figure: bytes of one answer in a time.
fn rate(took: Duration) -> f64 {
    let bytes = u32::try_from(PIECE * PIECES).unwrap_or(u32::MAX);
    f64::from(bytes) / 1e6 / took.as_secs_f64()
}

/// A request without anything.
fn request(headers: &HeaderMap) -> Request<'_> {
    Request {
        method: &Method::GET,
        target: "/",
        headers,
        covered: &[],
        body: b"",
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let secrets: Secrets = Secret::parse(&[7; 32])?.into();
    let server = Sessions::new(
        Node::new("server".parse()?),
        secrets.clone(),
        SessionsOptions::default(),
    );
    let hello = Hello::new(&Node::new("client".parse()?), &secrets, None);
    let session = hello.finish(&server.hello(&hello.body())?)?;
    let piece = Bytes::from(vec![1; PIECE]);

    // Frames that lie in one piece, and frames that come in the pieces of a connection.
    for chunk in [0, 16 << 10, 64 << 10] {
        let (mut writing, mut reading) = (Duration::ZERO, Duration::ZERO);
        let mut headers = HeaderMap::new();
        let (tag, exchange) = session.sign(&request(&headers));
        tag.write(&mut headers);
        let mut writer = server.verify(&request(&headers))?.exchange.writer();
        let mut reader = exchange.reader();
        let mut wire = vec![writer.header("an answer")?];
        let mut received = 0;
        for number in 0..=PIECES {
            let begun = Instant::now();
            if number < PIECES {
                wire.extend(writer.data(piece.clone())?);
            } else {
                wire.push(writer.end()?);
            }
            writing += begun.elapsed();

            // The network, which is not measured.
            let mut sent = Bytes::from(wire.concat());
            wire.clear();
            while !sent.is_empty() {
                let length = if chunk == 0 {
                    sent.len()
                } else {
                    chunk.min(sent.len())
                };
                let mut part = sent.split_to(length);
                let begun = Instant::now();
                while let Some(event) = reader.next(&mut part)? {
                    if let FrameEvent::Data(data) = event {
                        received += data.len();
                    }
                }
                reading += begun.elapsed();
            }
        }
        reader.finish()?;
        assert_eq!(received, PIECE * PIECES);
        let pieces = if chunk == 0 {
            "whole frames".into()
        } else {
            format!("pieces of {} KiB", chunk >> 10)
        };
        writeln!(
            out,
            "{pieces}: writer {:.0} MB/s, reader {:.0} MB/s, both on one core {:.0} MB/s",
            rate(writing),
            rate(reading),
            rate(writing + reading)
        )?;
    }
    Ok(())
}
