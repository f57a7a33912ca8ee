//! Who hears what other nodes have done.

use std::{sync::Arc, time::Duration};

use redis::{Value, aio::MultiplexedConnection};
use tokio_util::sync::CancellationToken;

use super::{
    answer::{self, Answer},
    fault::Fault,
    link::Link,
};
use crate::{StoreError, Wake, Wakers, pause::Pause};

/// How long one question waits. After that it is asked again, so that a connection is found dead that nobody has closed.
const WAIT: Duration = Duration::from_secs(10);
/// How many messages one answer has at most.
const PART: usize = 100;

/// Reads the stream of wake-ups for as long as the store is open.
pub(super) struct Listener {
    pub(super) link: Arc<Link>,
    pub(super) stream: String,
    pub(super) wakers: Arc<Wakers>,
    pub(super) closed: CancellationToken,
}

impl Listener {
    /// Listens, from where the stream ends at first.
    pub(super) async fn run(self, first: Option<(MultiplexedConnection, String)>) {
        let closed = self.closed.clone();
        closed.run_until_cancelled(self.listen(first)).await;
    }

    async fn listen(&self, mut next: Option<(MultiplexedConnection, String)>) {
        let mut pause = Pause::default();
        loop {
            let begun = match next.take() {
                Some(begun) => Ok(begun),
                None => self.begin().await.inspect(|_| {
                    // Whatever happened since the last message.
                    let all = Wake {
                        work: true,
                        control: true,
                        events: true,
                    };
                    all.fire(&self.wakers);
                }),
            };
            let fault = match begun {
                Ok((connection, last)) => self.follow(connection, last, &mut pause).await,
                Err(fault) => fault,
            };
            self.link.follow(&fault);
            tracing::warn!(error = %fault.into_error(), "nothing is heard of other nodes, for Redis is away");
            pause.wait().await;
        }
    }

    /// A connection, and where the stream ends.
    pub(super) async fn begin(&self) -> Result<(MultiplexedConnection, String), Fault> {
        let mut connection = self.link.apart(WAIT).await?;
        let mut question = redis::cmd("XREVRANGE");
        question.arg(&self.stream).arg("+").arg("-").arg("COUNT").arg(1);
        let answer: Value = question.query_async(&mut connection).await?;
        let last = last_of(answer).map_err(failed)?;
        Ok((connection, last.unwrap_or_else(|| "0-0".into())))
    }

    async fn follow(
        &self,
        mut connection: MultiplexedConnection,
        mut last: String,
        pause: &mut Pause,
    ) -> Fault {
        loop {
            let mut question = redis::cmd("XREAD");
            question
                .arg("COUNT")
                .arg(PART)
                .arg("BLOCK")
                .arg(WAIT.as_millis().to_string());
            question.arg("STREAMS").arg(&self.stream).arg(&last);
            let answer: Value = match question.query_async(&mut connection).await {
                Ok(answer) => answer,
                Err(error) => return Fault::of(error),
            };
            pause.reset();
            match read(answer) {
                Ok(Some((until, wake))) => {
                    last = until;
                    wake.fire(&self.wakers);
                }
                Ok(None) => {}
                Err(error) => return failed(error),
            }
        }
    }
}

fn failed(error: StoreError) -> Fault {
    Fault::Failed {
        error,
        is_spent: true,
    }
}

/// The id of the only entry of a range, if there is one.
fn last_of(answer: Value) -> Result<Option<String>, StoreError> {
    let mut entries = Answer::of(answer)?;
    entries.next().map(|entry| Answer::of(entry)?.text()).transpose()
}

/// Where the messages end that were read, and whom they wake all together.
fn read(answer: Value) -> Result<Option<(String, Wake)>, StoreError> {
    if answer == Value::Nil {
        return Ok(None);
    }
    let mut read = None;
    for stream in Answer::of(answer)? {
        let mut stream = Answer::of(stream)?;
        stream.text()?;
        for entry in stream.list()? {
            let mut entry = Answer::of(entry)?;
            let id = entry.text()?;
            let mut bits = 0;
            for value in entry.list()? {
                bits |= answer::text(value)?.parse::<u8>().unwrap_or_default();
            }
            let wake = Wake {
                work: bits & 1 != 0,
                control: bits & 2 != 0,
                events: bits & 4 != 0,
            };
            let before = read.map_or_else(Wake::default, |(_, wake)| wake);
            read = Some((id, wake.and(before)));
        }
    }
    Ok(read)
}
