//! What stands between a client and a service that keeps objects, counts, and lets things go wrong.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// How often what goes wrong, in requests; 0 for never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Troubles {
    /// Every so many-th request is answered 503, as S3 does that wants fewer of them.
    pub slow_down: u64,
    /// Every so many-th upload is cut off in its middle.
    pub cut: u64,
    /// Every so many-th request waits for so long before it is passed on.
    pub hang: (u64, Duration),
    /// Conditions of writes are taken out, as services do that do not know them.
    pub ignores_conditions: bool,
    /// Nobody is there: connections end at once.
    pub away: bool,
}

/// Passes requests on, one a connection.
#[derive(Clone)]
pub struct Between {
    port: u16,
    state: Arc<State>,
}

struct State {
    behind: u16,
    troubles: Mutex<Troubles>,
    requests: AtomicU64,
    uploads: AtomicU64,
    lines: Mutex<Vec<String>>,
}

impl Between {
    /// Before the service at this port. It ends with the process.
    pub fn start(behind: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            behind,
            troubles: Mutex::default(),
            requests: AtomicU64::new(0),
            uploads: AtomicU64::new(0),
            lines: Mutex::default(),
        });
        let accepting = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&accepting);
                // A client that goes away is no failure of the test.
                thread::spawn(move || drop(state.answer(&stream)));
            }
        });
        Self { port, state }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on this goes wrong.
    pub fn set(&self, troubles: Troubles) {
        *self.state.troubles.lock().unwrap_or_else(PoisonError::into_inner) = troubles;
    }

    /// The first lines of all requests since this was asked last.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn answer(&self, client: &TcpStream) -> io::Result<()> {
        let troubles = *self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if troubles.away {
            return Ok(());
        }
        let mut reader = BufReader::new(client);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            if name == "content-length" {
                length = line[15..].trim().parse().unwrap_or(0);
            }
            if line == "\r\n" {
                break;
            }
            let is_condition = name == "if-none-match" || name == "if-match";
            if name != "connection" && !(troubles.ignores_conditions && is_condition) {
                head.push_str(&line);
            }
        }
        let first = head.lines().next().unwrap_or_default().to_owned();
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(first);
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if is_nth(number, troubles.hang.0) {
            thread::sleep(troubles.hang.1);
        }
        if is_nth(number, troubles.slow_down) {
            io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
            return refuse(client);
        }
        let is_upload = head.starts_with("PUT ") && length > 0;
        let upload = if is_upload {
            self.uploads.fetch_add(1, Ordering::Relaxed) + 1
        } else {
            1
        };
        let passed = if is_upload && is_nth(upload, troubles.cut) {
            length / 2
        } else {
            length
        };
        self.pass_on(client, &mut reader, &head, (passed, length))
    }

    /// Passes on so many bytes of the body, of all that there are.
    #[expect(clippy::disallowed_methods, reason = "a test speaks with a server of its own")]
    fn pass_on(
        &self,
        mut client: &TcpStream,
        reader: &mut impl io::Read,
        head: &str,
        (passed, length): (u64, u64),
    ) -> io::Result<()> {
        let mut service = TcpStream::connect(("127.0.0.1", self.behind))?;
        service.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
        io::copy(&mut reader.take(passed), &mut service)?;
        if passed < length {
            return Ok(());
        }
        let mut answers = BufReader::new(&service);
        // One request a connection: the client is told.
        let mut line = String::new();
        answers.read_line(&mut line)?;
        client.write_all(format!("{line}Connection: close\r\n").as_bytes())?;
        loop {
            line.clear();
            answers.read_line(&mut line)?;
            if line == "\r\n" || line.is_empty() {
                break;
            }
            if !line.to_ascii_lowercase().starts_with("connection:") {
                client.write_all(line.as_bytes())?;
            }
        }
        client.write_all(b"\r\n")?;
        io::copy(&mut answers, &mut client).map(drop)
    }
}

fn is_nth(number: u64, every: u64) -> bool {
    every > 0 && number.is_multiple_of(every)
}

fn refuse(mut client: &TcpStream) -> io::Result<()> {
    let body = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    let answer = format!(
        "HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    client.write_all(answer.as_bytes())
}
