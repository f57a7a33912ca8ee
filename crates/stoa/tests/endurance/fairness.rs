//! A thousand clients at once: each has its turn.
#![expect(clippy::disallowed_methods, reason = "clients of the server that is tested")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, and their figures"
)]

use std::cell::Cell;
use std::rc::Rc;

use stoa_testing::fixtures::ModuleFixture;
use stoa_testing::process::StoaProcess;
use stoa_testing::upstream::Upstream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::{ALONE, STOA, frames::Frames};

/// Far more than a queue of the runtime holds.
const CONNECTIONS: usize = 1000;
/// How often each connection asks.
const REQUESTS: usize = 30;
/// How many answers there have been, and the most that came while one was waited for.
#[derive(Default)]
struct Turns {
    answers: Cell<usize>,
    longest: Cell<usize>,
}

impl Turns {
    /// Counts an answer to what was asked when there were `before`.
    fn answered(&self, before: usize) {
        self.longest
            .set(self.longest.get().max(self.answers.get() - before));
        self.answers.set(self.answers.get() + 1);
    }

    /// Each of the others has one answer while a request waits. With a queue that overflows, two to four were seen here, and
    /// fifteen in a release build, where a hit is over sooner and the second queue is looked at less often. `halves` is the
    /// most that is taken, in half rounds.
    fn assert_fair(&self, asking: usize, halves: usize) {
        let longest = self.longest.get();
        println!("the longest wait of {asking} took {longest} answers to others");
        assert!(
            2 * longest < halves * asking,
            "{asking} were asking, and one waited while the others had {longest} answers"
        );
    }
}

/// A server with one worker, whose queue is the shortest there is, and the path of a file that it has in memory.
async fn server(directory: &std::path::Path) -> (StoaProcess, String, Upstream) {
    let upstream = Upstream::start().await;
    let module = ModuleFixture::new("example.com/small", "v1.0.0").file("small.go", "package small\n");
    upstream.module(&module);
    let stoa = StoaProcess::command(STOA)
        .storage(directory)
        .upstream(&upstream.url())
        .env("TOKIO_WORKER_THREADS", "1")
        .start();
    let path = module.url_path("info");
    for _ in 0..2 {
        let url = format!("{}{path}", stoa.url());
        assert_eq!(stoa_testing::http::get(&url).await.unwrap().status, 200);
    }
    (stoa, path, upstream)
}

// The clients share one thread, which serves them in the order in which their answers come.
#[tokio::test]
async fn no_connection_of_a_thousand_waits_for_many_rounds_of_the_others() {
    let _alone = ALONE.lock().await;
    let directory = tempfile::tempdir().unwrap();
    let (stoa, path, _upstream) = server(directory.path()).await;
    let authority = stoa.url().trim_start_matches("http://");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    let turns = Rc::new(Turns::default());
    let clients = LocalSet::new();
    for _ in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(authority).await.unwrap();
        let (turns, request) = (Rc::clone(&turns), request.clone());
        clients.spawn_local(async move {
            let mut buffer = Vec::new();
            for _ in 0..REQUESTS {
                let before = turns.answers.get();
                stream.write_all(request.as_bytes()).await.unwrap();
                read_answer(&mut stream, &mut buffer).await;
                turns.answered(before);
            }
        });
    }
    clients.await;
    assert_eq!(turns.answers.get(), CONNECTIONS * REQUESTS);
    turns.assert_fair(CONNECTIONS, 3);
}

/// Reads one answer of 200 with a length, to its end and not further.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) {
    buffer.clear();
    let (head, length) = loop {
        assert_ne!(
            stream.read_buf(buffer).await.unwrap(),
            0,
            "the connection was closed"
        );
        let text = String::from_utf8_lossy(buffer);
        if let Some(head) = text.find("\r\n\r\n") {
            assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
            let length: Option<usize> = text[..head].lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            break (head + 4, length.unwrap_or_else(|| panic!("no length: {text}")));
        }
    };
    while buffer.len() < head + length {
        assert_ne!(
            stream.read_buf(buffer).await.unwrap(),
            0,
            "the connection was closed"
        );
    }
    assert_eq!(buffer.len(), head + length);
}

const H2_CONNECTIONS: usize = 100;
const STREAMS: usize = 10;

#[tokio::test]
async fn no_stream_of_a_thousand_waits_for_many_rounds_of_the_others() {
    let _alone = ALONE.lock().await;
    let directory = tempfile::tempdir().unwrap();
    let (stoa, path, _upstream) = server(directory.path()).await;
    let authority = stoa.url().trim_start_matches("http://");
    let turns = Rc::new(Turns::default());
    let clients = LocalSet::new();
    for _ in 0..H2_CONNECTIONS {
        let mut client = Frames::connect(authority, &path).await;
        let turns = Rc::clone(&turns);
        clients.spawn_local(async move {
            let (asked, answered) = (|| turns.answers.get(), |before| turns.answered(before));
            client.ask((STREAMS, STREAMS * REQUESTS), asked, answered).await;
        });
    }
    clients.await;
    assert_eq!(turns.answers.get(), H2_CONNECTIONS * STREAMS * REQUESTS);
    // What arrives while its connection waits in the runtime's queue has a place in the kernel's list too, so a connection
    // may have two turns in a round.
    turns.assert_fair(H2_CONNECTIONS * STREAMS, 4);
}
