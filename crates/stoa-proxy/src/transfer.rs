//! A body that outlives its connection.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use stoa_fetch::{Body, FetchError, Fetched, Phase, Rest, SourceName};
use tokio::time::{Instant, sleep};

/// How often the rest is asked for, all in all.
const MOST_TRIES: u32 = 64;
/// After so many in a row that brought nothing the next source is asked,
const PATIENCE: u32 = 3;
/// or, where there is none, the transfer is given up.
const LAST_PATIENCE: u32 = 16;
/// A source that breaks off at the same byte, and has been asked again so often in a row, breaks off there whoever asks: the next
/// one is asked, or the transfer is given up.
const STUCK: u32 = 3;
/// What is much, in bytes: a source that sends one and breaks off again has brought nothing.
const FRUIT: u64 = 64 << 10;
/// The first pause; the next one is twice as long,
const PAUSE: Duration = Duration::from_millis(100);
/// but no longer than this for who answers,
const SHORT_PAUSE: Duration = Duration::from_millis(500);
/// or this for who does not, unless a host says when it will answer again,
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// and then no longer than this: clients wait.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The pieces of one body, from as many answers as it takes.
///
/// What has come is known by its hash, so that what comes after it is of the same content: an answer that begins anew is
/// read and compared up to there. So is one of another source.
pub(crate) struct Transfer {
    source_name: SourceName,
    /// The answer that is being read; `None` once it has broken off.
    body: Option<Body>,
    rest: Box<dyn Rest>,
    /// The announced length.
    len: Option<u64>,
    sent: u64,
    /// Whether the answer that is being read has brought any bytes, known or new.
    has_brought: bool,
    hash: Sha256,
    /// What follows the part of an answer that was compared.
    ahead: Option<Bytes>,
    deadline: Instant,
    broken: Broken,
    /// Is told whether a transfer that broke off was saved. Once.
    ended: Option<Box<dyn FnOnce(bool) + Send>>,
}

/// How often something broke off.
#[derive(Clone, Copy, Debug, Default)]
struct Broken {
    tries: u32,
    /// In a row, and without much that is new.
    fruitless: u32,
    /// How much had been sent before these.
    at: u64,
    /// At which byte it broke off last, after some that it had brought,
    last: Option<u64>,
    /// and how often in a row it was this one.
    same: u32,
}

impl Broken {
    /// An answer that had brought something broke off at this byte.
    fn note(&mut self, at: u64) {
        self.same = if self.last == Some(at) { self.same + 1 } else { 1 };
        self.last = Some(at);
    }
}

/// Why an answer is no continuation.
enum Refused {
    /// It broke off, too.
    Broke(FetchError),
    /// It is of another content.
    Differs,
}

impl Transfer {
    pub(crate) fn new(
        fetched: Fetched,
        rest: Box<dyn Rest>,
        deadline: Instant,
        ended: Box<dyn FnOnce(bool) + Send>,
    ) -> Self {
        Self {
            source_name: fetched.source_name,
            body: Some(fetched.body),
            rest,
            len: fetched.len,
            sent: 0,
            has_brought: false,
            hash: Sha256::new(),
            ahead: None,
            deadline,
            broken: Broken::default(),
            ended: Some(ended),
        }
    }

    /// The next piece. After the last one, and after an error, there is none.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, FetchError>> {
        loop {
            let error = match self.piece().await? {
                Ok(piece) => {
                    self.sent += piece.len() as u64;
                    self.has_brought |= !piece.is_empty();
                    self.hash.update(&piece);
                    if self.sent - self.broken.at >= FRUIT {
                        self.broken.fruitless = 0;
                    }
                    return Some(Ok(piece));
                }
                Err(error) => error,
            };
            // The permit that it holds is the next one's.
            self.body = None;
            if !is_break(&error) {
                return Some(Err(error));
            }
            if self.has_brought {
                self.broken.note(self.sent);
            }
            if let Err(error) = self.go_on(error).await {
                self.body = None;
                self.tell(false);
                return Some(Err(error));
            }
        }
    }

    async fn piece(&mut self) -> Option<Result<Bytes, FetchError>> {
        if let Some(ahead) = self.ahead.take() {
            return Some(Ok(ahead));
        }
        if let Some(piece) = self.body.as_mut()?.next().await {
            return Some(piece);
        }
        self.body = None;
        match self.len {
            Some(len) if self.sent < len => {
                let reason = format!("the answer ended after {} of {len} bytes", self.sent);
                Some(Err(broke_off(&self.source_name, reason)))
            }
            _ => {
                self.tell(true);
                None
            }
        }
    }

    /// Says once how a transfer that broke off has ended.
    fn tell(&mut self, is_saved: bool) {
        if self.broken.tries > 0
            && let Some(ended) = self.ended.take()
        {
            ended(is_saved);
        }
    }

    /// Finds somebody who goes on after what has been sent.
    async fn go_on(&mut self, error: FetchError) -> Result<(), FetchError> {
        let (sent, len) = (self.sent, self.len);
        if self.broken.fruitless == 0 {
            self.broken.at = sent;
        }
        tracing::info!(source = %self.source_name, %error, sent, len, "a transfer broke off");
        let mut error = error;
        loop {
            if self.rest.is_spent() {
                return Err(error);
            }
            let patience = if self.rest.has_next() {
                PATIENCE
            } else {
                LAST_PATIENCE
            };
            let pause = match pause(self.broken.fruitless, &error) {
                Some(pause) if self.broken.fruitless < patience && self.broken.same <= STUCK => pause,
                // The next one is asked at once.
                _ if self.rest.go_to_next() => {
                    self.broken.fruitless = 0;
                    self.broken.same = 0;
                    Duration::ZERO
                }
                _ => return Err(error),
            };
            self.broken.tries += 1;
            self.broken.fruitless += 1;
            if self.broken.tries > MOST_TRIES || Instant::now() + pause >= self.deadline {
                return Err(error);
            }
            sleep(pause).await;
            error = match self.rest.ask(self.sent, self.deadline).await {
                Err(error) => error,
                Ok(fetched) => {
                    let (source_name, start) = (fetched.source_name.clone(), fetched.start);
                    match self.continuation(fetched).await {
                        Ok(body) => {
                            tracing::info!(source = %source_name, sent, start, tries = self.broken.tries, "it goes on");
                            self.body = Some(body);
                            return Ok(());
                        }
                        Err(Refused::Broke(error)) => error,
                        Err(Refused::Differs) => differs(&source_name, sent),
                    }
                }
            };
            tracing::debug!(%error, tries = self.broken.tries, "it does not go on");
        }
    }

    /// The body of an answer, read up to what has not been sent yet.
    async fn continuation(&mut self, fetched: Fetched) -> Result<Body, Refused> {
        let Fetched {
            start, len, mut body, ..
        } = fetched;
        self.has_brought = false;
        if start == self.sent && start > 0 {
            return Ok(body);
        }
        if start > 0 || len.is_some() && self.len.is_some() && len != self.len {
            return Err(Refused::Differs);
        }
        let (mut left, mut hash) = (self.sent, Sha256::new());
        while left > 0 {
            let piece = body.next().await.ok_or(Refused::Differs)?;
            let mut piece = match piece {
                Ok(piece) => piece,
                Err(error) => {
                    if self.has_brought {
                        self.broken.note(self.sent - left);
                    }
                    return Err(Refused::Broke(error));
                }
            };
            self.has_brought |= !piece.is_empty();
            let known = piece.split_to(usize::try_from(left).unwrap_or(usize::MAX).min(piece.len()));
            hash.update(&known);
            left -= known.len() as u64;
            self.ahead = (!piece.is_empty()).then_some(piece);
        }
        if hash.finalize() != self.hash.clone().finalize() {
            self.ahead = None;
            return Err(Refused::Differs);
        }
        Ok(body)
    }
}

impl fmt::Debug for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer")
            .field("source_name", &self.source_name)
            .field("sent", &self.sent)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

/// Whether a body ended because its connection did: there is more of it.
pub(crate) fn is_break(error: &FetchError) -> bool {
    matches!(
        error,
        FetchError::Broken { .. }
            | FetchError::Timeout {
                phase: Phase::Idle,
                ..
            }
    )
}

/// How long to wait before the same source is asked again, which has brought nothing so many times; `None` if it would
/// not help.
pub(crate) fn pause(fruitless: u32, error: &FetchError) -> Option<Duration> {
    let backoff = match fruitless {
        0 => Duration::ZERO,
        more => PAUSE
            .saturating_mul(1_u32.checked_shl(more - 1).unwrap_or(u32::MAX))
            .min(LONGEST_PAUSE),
    };
    match error {
        // It answers, so that the next answer may be the whole one.
        FetchError::Broken { .. } => Some(backoff.min(SHORT_PAUSE)),
        FetchError::Unreachable { .. }
        | FetchError::Timeout {
            phase: Phase::Idle | Phase::Response,
            ..
        } => Some(backoff),
        FetchError::Status { reply, .. } if reply.status >= 500 || reply.status == 429 => Some(backoff),
        FetchError::Overloaded {
            retry_after: Some(after),
            ..
        } => (*after <= LONGEST_WAIT).then(|| backoff.max(*after)),
        _ => None,
    }
}

fn broke_off(source_name: &SourceName, reason: String) -> FetchError {
    FetchError::Broken {
        source_name: source_name.clone(),
        cause: Arc::from(Box::<dyn Error + Send + Sync>::from(reason)),
    }
}

fn differs(source_name: &SourceName, sent: u64) -> FetchError {
    FetchError::Invalid {
        source_name: source_name.clone(),
        reason: format!("the transfer broke off after {sent} bytes, and what is sent now begins with others"),
    }
}
