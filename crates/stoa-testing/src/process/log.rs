//! The lines that a child prints.

use std::collections::VecDeque;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How many lines are kept.
const MAX_LINES: usize = 20_000;

/// Lines of all followed streams in the order they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Arc<Followed>);

#[derive(Debug, Default)]
struct Followed {
    lines: Mutex<Lines>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    kept: VecDeque<String>,
    dropped: usize,
    open_streams: usize,
}

impl Log {
    /// Reads a stream to its end on a thread of its own.
    pub(super) fn follow(&self, stream: impl Read + Send + 'static) {
        self.change(|lines| lines.open_streams += 1);
        let log = self.clone();
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                log.push(String::from_utf8_lossy(&line).trim_end().to_owned());
                line.clear();
            }
            log.change(|lines| lines.open_streams -= 1);
        });
    }

    fn push(&self, line: String) {
        self.change(|lines| {
            if lines.kept.len() == MAX_LINES {
                lines.kept.pop_front();
                lines.dropped += 1;
            }
            lines.kept.push_back(line);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Lines)) {
        change(&mut self.0.lines.lock().unwrap());
        self.0.changed.notify_all();
    }

    /// The first kept line that matches, if there is one by now.
    pub(super) fn find(&self, matches: impl Fn(&str) -> bool) -> Option<String> {
        let lines = self.0.lines.lock().unwrap();
        lines.kept.iter().find(|line| matches(line)).cloned()
    }

    /// The first kept line that matches, waited for until all streams have ended.
    pub(super) fn wait(&self, timeout: Duration, matches: impl Fn(&str) -> bool) -> Option<String> {
        let deadline = Instant::now() + timeout;
        let mut lines = self.0.lines.lock().unwrap();
        let mut looked_at = 0;
        loop {
            let fresh = lines
                .kept
                .iter()
                .skip(looked_at.max(lines.dropped) - lines.dropped);
            if let Some(line) = fresh.into_iter().find(|line| matches(line)) {
                return Some(line.clone());
            }
            looked_at = lines.dropped + lines.kept.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || lines.open_streams == 0 {
                return None;
            }
            lines = self.0.changed.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// Whether all streams have ended.
    pub(super) fn ended(&self) -> bool {
        self.0.lines.lock().unwrap().open_streams == 0
    }

    /// Prints everything where the test runner shows it.
    #[expect(clippy::print_stderr, reason = "the output of a failed test")]
    pub(super) fn print(&self) {
        eprintln!("--- output of stoa ---\n{self}--- end of output ---");
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.0.lines.lock().unwrap();
        if lines.dropped > 0 {
            writeln!(f, "({} lines before these)", lines.dropped)?;
        }
        lines.kept.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
