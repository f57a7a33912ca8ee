//! Reading objects of the local repository, many by one process.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot};

use super::program::{Program, failed};
use crate::cache::Lease;
use crate::process::{Group, HostPlaces, Place};
use crate::{Step, VcsError, VcsKind};

/// How many questions may be queued.
const LINE: usize = 16;

/// How long it waits for a question while others wait for its place: most questions follow another one at once.
const BRIEF: Duration = Duration::from_millis(50);

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectKind {
    Commit,
    Tree,
    Blob,
    Tag,
}

/// What is behind a name.
#[derive(Debug)]
pub(super) enum Answer {
    Object {
        id: String,
        kind: ObjectKind,
        bytes: Vec<u8>,
    },
    Missing,
    Ambiguous,
}

#[derive(Debug)]
struct Ask {
    name: String,
    limit: u64,
    step: Step,
    reply: oneshot::Sender<Result<Answer, VcsError>>,
}

/// A `git cat-file --batch`. It ends some time after its last question; see [`Reader::run`].
#[derive(Clone, Debug)]
pub(super) struct Objects {
    asks: mpsc::Sender<Ask>,
}

/// The end that answers. The owner spawns [`Self::run`].
#[derive(Debug)]
pub(super) struct Reader {
    asks: mpsc::Receiver<Ask>,
    group: Group,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    idle: Duration,
    time: Duration,
    places: HostPlaces,
    /// The repository stays while it is read.
    _lease: Lease,
}

impl Objects {
    /// Starts the program in the repository of `lease` and in `place`.
    pub(super) fn start(
        program: &Program,
        lease: Lease,
        place: Place,
        step: Step,
    ) -> Result<(Self, Reader), VcsError> {
        let call = program
            .local("cat-file", step, lease.path())
            .args(["cat-file", "--batch"]);
        let mut group = call.converse(Some(place))?;
        let child = group.child();
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(step, "cat-file has no pipes"));
        };
        let (asks, line) = mpsc::channel(LINE);
        let reader = Reader {
            asks: line,
            group,
            stdin,
            stdout: BufReader::new(stdout),
            idle: program.options.idle,
            time: program.options.read_time.min(Duration::from_secs(60)),
            places: program.runner().settings().places.clone(),
            _lease: lease,
        };
        Ok((Self { asks }, reader))
    }

    /// What is behind `name`, hexadecimal digits and perhaps `^{commit}`; at most `limit` bytes. `None` if the program
    /// has ended meanwhile.
    pub(super) async fn get(&self, name: &str, limit: u64, step: Step) -> Option<Result<Answer, VcsError>> {
        let (reply, answer) = oneshot::channel();
        let name = name.to_owned();
        self.asks
            .send(Ask {
                name,
                limit,
                step,
                reply,
            })
            .await
            .ok()?;
        answer.await.ok()
    }

    /// Whether it takes questions.
    pub(super) fn is_open(&self) -> bool {
        !self.asks.is_closed()
    }
}

impl Reader {
    /// Answers until no question came for a while, the last sender is gone, or a question failed.
    pub(super) async fn run(mut self) {
        while let Some(ask) = self.next().await {
            let timeout = VcsError::Timeout {
                vcs: VcsKind::Git,
                step: ask.step,
                after: self.time,
            };
            let answered = tokio::time::timeout(self.time, self.answer(&ask)).await;
            let answered = answered.unwrap_or(Err(timeout));
            let broken = answered.is_err();
            // The caller may have gone away.
            let _ = ask.reply.send(answered);
            if broken {
                return;
            }
        }
        drop(self.group);
    }

    /// The next question. If somebody waits for a place, it is not waited for long.
    async fn next(&mut self) -> Option<Ask> {
        let pressed = async {
            tokio::time::sleep(BRIEF.min(self.idle)).await;
            self.places.pressed().await;
        };
        tokio::select! {
            biased;
            ask = self.asks.recv() => ask,
            () = pressed => None,
            () = tokio::time::sleep(self.idle) => None,
        }
    }

    async fn answer(&mut self, ask: &Ask) -> Result<Answer, VcsError> {
        let io = |error: std::io::Error| failed(ask.step, format!("cat-file: {error}"));
        self.stdin
            .write_all(format!("{}\n", ask.name).as_bytes())
            .await
            .map_err(io)?;
        let mut line = Vec::new();
        (&mut self.stdout)
            .take(1024)
            .read_until(b'\n', &mut line)
            .await
            .map_err(io)?;
        let line = String::from_utf8_lossy(&line).into_owned();
        let Some(line) = line.strip_suffix('\n') else {
            return Err(failed(ask.step, "cat-file ended"));
        };
        let words: Vec<&str> = line.split(' ').collect();
        let (id, kind, size) = match words[..] {
            [_, "missing"] => return Ok(Answer::Missing),
            [_, "ambiguous"] => return Ok(Answer::Ambiguous),
            [id, kind, size] => (id.to_owned(), object_kind(kind), size.parse::<u64>().ok()),
            _ => (String::new(), None, None),
        };
        let (Some(kind), Some(size)) = (kind, size) else {
            return Err(failed(ask.step, format!("cat-file said {line:?}")));
        };
        if size > ask.limit {
            return Err(VcsError::TooLarge {
                vcs: VcsKind::Git,
                step: ask.step,
                limit: ask.limit,
            });
        }
        let mut bytes = Vec::new();
        (&mut self.stdout)
            .take(size + 1)
            .read_to_end(&mut bytes)
            .await
            .map_err(io)?;
        if bytes.len() as u64 != size + 1 || bytes.pop() != Some(b'\n') {
            return Err(failed(ask.step, "cat-file ended early"));
        }
        Ok(Answer::Object { id, kind, bytes })
    }
}

fn object_kind(name: &str) -> Option<ObjectKind> {
    Some(match name {
        "commit" => ObjectKind::Commit,
        "tree" => ObjectKind::Tree,
        "blob" => ObjectKind::Blob,
        "tag" => ObjectKind::Tag,
        _ => return None,
    })
}
