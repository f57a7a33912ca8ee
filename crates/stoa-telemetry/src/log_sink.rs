//! Where log lines go without making a request wait.

use std::{
    fmt,
    io::{self, Write},
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use parking_lot::Mutex;

use crate::{Collect, Samples, visible::visible};

/// A full buffer of this size is handed to the writer, in bytes.
const BUFFER: usize = 64 << 10;
/// How many full buffers may wait for a slow output before lines are dropped.
const WAITING: usize = 32;
/// Written buffers that are kept for the next lines: fresh memory costs more than the lines in it.
const SPARE: usize = 4;
/// What is in a buffer that does not fill reaches the output after so long at most.
const FLUSH_EVERY: Duration = Duration::from_millis(100);

/// A log output with a thread of its own.
///
/// Lines are appended to a buffer; a request never waits for a disk or a terminal. When the output is so slow that all
/// buffers are full, lines are dropped and counted instead. Dropping the sink writes what is left.
#[derive(Debug)]
pub struct LogSink {
    writer: LogWriter,
    thread: Option<JoinHandle<()>>,
}

/// A handle to write lines with; cheap to clone.
#[derive(Clone, Debug)]
pub struct LogWriter {
    buffers: Arc<Buffers>,
}

#[derive(Debug)]
struct Buffers {
    state: Mutex<State>,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct State {
    buffer: Vec<u8>,
    spare: Vec<Vec<u8>>,
    /// `None` after the sink has been closed.
    sender: Option<SyncSender<Vec<u8>>>,
}

impl LogSink {
    /// Writes to `output`.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn new(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING);
        let state = State {
            buffer: Vec::with_capacity(BUFFER),
            spare: Vec::with_capacity(SPARE),
            sender: Some(sender),
        };
        let buffers = Arc::new(Buffers {
            state: Mutex::new(state),
            dropped: AtomicU64::new(0),
        });
        let writing = Arc::clone(&buffers);
        let thread = thread::Builder::new()
            .name("stoa-log".to_owned())
            .spawn(move || write_all(&writing, &receiver, output))?;
        Ok(Self {
            writer: LogWriter { buffers },
            thread: Some(thread),
        })
    }

    /// A handle to write lines with.
    pub fn writer(&self) -> LogWriter {
        self.writer.clone()
    }
}

impl Drop for LogSink {
    fn drop(&mut self) {
        self.writer.buffers.state.lock().sender = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

impl LogWriter {
    /// Appends one line, made by `format`, which must end it with a newline.
    pub fn line(&self, format: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.buffers.state.lock();
        let State {
            buffer,
            spare,
            sender,
        } = &mut *state;
        let Some(sender) = sender else { return };
        format(buffer);
        if buffer.len() >= BUFFER {
            let empty = spare.pop().unwrap_or_else(|| Vec::with_capacity(2 * BUFFER));
            let full = mem::replace(buffer, empty);
            if let Err(error) = sender.try_send(full) {
                let (std::sync::mpsc::TrySendError::Full(lines)
                | std::sync::mpsc::TrySendError::Disconnected(lines)) = error;
                let lost = lines.split_inclusive(|&byte| byte == b'\n').count();
                self.buffers.dropped.fetch_add(lost as u64, Ordering::Relaxed);
            }
        }
    }

    /// How many lines were dropped because the output was too slow.
    pub fn dropped(&self) -> u64 {
        self.buffers.dropped.load(Ordering::Relaxed)
    }
}

/// Shows how many lines were lost, at each scrape.
impl Collect for LogWriter {
    fn collect(&self, samples: &mut Samples<'_>) -> fmt::Result {
        let help = "Log lines lost because the log output was too slow";
        samples.gauge("log_lines_dropped", help)?.value(self.dropped())
    }
}

/// For `tracing`: each call is one whole line. Whatever is quoted in it, it stays one line, and every character shows.
impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let text = visible(text.strip_suffix('\n').unwrap_or(&text));
        self.line(|buffer| {
            buffer.extend_from_slice(text.as_bytes());
            buffer.push(b'\n');
        });
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_all(buffers: &Buffers, receiver: &Receiver<Vec<u8>>, mut output: impl Write) {
    // An output that fails (a closed pipe) cannot be reported anywhere; later lines are still tried.
    let mut write = |mut lines: Vec<u8>| {
        let _lost = output.write_all(&lines).and_then(|()| output.flush());
        lines.clear();
        let mut state = buffers.state.lock();
        if state.spare.len() < SPARE {
            state.spare.push(lines);
        }
    };
    loop {
        let closed = match receiver.recv_timeout(FLUSH_EVERY) {
            Ok(lines) => {
                write(lines);
                continue;
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        };
        // No writer can queue a full buffer while the lock is held, so what is queued is older than the open buffer.
        let (older, newest) = {
            let mut state = buffers.state.lock();
            let older: Vec<_> = receiver.try_iter().collect();
            let empty = if state.buffer.is_empty() {
                None
            } else {
                state.spare.pop().or_else(|| Some(Vec::new()))
            };
            (older, empty.map(|empty| mem::replace(&mut state.buffer, empty)))
        };
        older.into_iter().chain(newest).for_each(&mut write);
        if closed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(lines);
            Ok(lines.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_arrives_once_and_in_order() {
        let output = Output::default();
        let sink = LogSink::new(output.clone()).expect("thread");
        let mut want = String::new();
        for i in 0..20_000 {
            let line = format!("line {i}\n");
            want.push_str(&line);
            sink.writer()
                .line(|buffer| buffer.extend_from_slice(line.as_bytes()));
        }
        assert_eq!(sink.writer().dropped(), 0);
        drop(sink);
        assert!(*output.0.lock() == want.as_bytes());
    }

    #[test]
    fn an_output_that_hangs_costs_lines_and_not_time() {
        struct Hangs(std::sync::mpsc::Receiver<()>);
        impl Write for Hangs {
            fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
                let _released = self.0.recv();
                Ok(lines.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (release, hangs) = std::sync::mpsc::channel();
        let sink = LogSink::new(Hangs(hangs)).expect("thread");
        let line = [b'x'; 1023];
        for _ in 0..(WAITING + 4) * BUFFER / 1024 {
            sink.writer().line(|buffer| {
                buffer.extend_from_slice(&line);
                buffer.push(b'\n');
            });
        }
        assert!(sink.writer().dropped() > 0);
        drop(release);
    }
}
