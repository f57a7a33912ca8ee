//! Waits for jobs, and shows how far they have come.

use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use http::Method;
use serde_json::Value;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Duration, Instant, sleep},
};

use super::admin_client::AdminClient;
use crate::{
    cli::ServerCommon,
    command_error::{CommandError, INTERRUPTED, UNAVAILABLE},
    progress::{Board, Standing},
};

/// How long one request waits for a job: with something to show, and without.
const LOOK: &str = "1s";
const WAIT: &str = "8s";
/// How many children are told of with a job.
const RUNNING: &str = "32";
/// How many jobs are asked for at a time. Those after them are asked for when one of these has ended.
const AT_A_TIME: usize = 8;
/// For how long a server may be away that is waited for, and how long it is left alone between two questions.
const PATIENCE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_secs(1);
/// How many ids are written out.
const NAMED: usize = 50;

/// Somebody who presses Ctrl-C. From its beginning on, that no longer ends the process.
#[derive(Debug)]
pub(super) struct Interrupt(Signal);

impl Interrupt {
    pub(super) fn new() -> Result<Self, CommandError> {
        signal(SignalKind::interrupt())
            .map(Self)
            .map_err(CommandError::from)
    }

    /// Whether it has been pressed. Who submits something asks this between two requests: one that is cut off may have been
    /// accepted, and nobody would know its job.
    pub(super) fn is_pressed(&mut self) -> bool {
        self.0.recv().now_or_never().is_some()
    }

    /// What `work` comes to, unless it is interrupted.
    pub(super) async fn or<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            _ = self.0.recv() => None,
            done = work => Some(done),
        }
    }
}

/// What somebody is told who does not wait any longer for these jobs.
pub(super) fn left_alone<'a>(
    jobs: impl ExactSizeIterator<Item = &'a str>,
    server: &ServerCommon,
) -> CommandError {
    let (count, code) = (jobs.len(), INTERRUPTED);
    let (s, go) = if count == 1 { ("", "es") } else { ("s", "") };
    let mut command = "stoa jobs wait".to_owned();
    if count > NAMED {
        "stoa jobs ls".clone_into(&mut command);
    } else {
        jobs.for_each(|id| command.extend([" ", id]));
    }
    if let Some(server) = &server.server {
        command.extend([" --server ", server]);
    }
    if let Some(file) = &server.token_file {
        command.extend([" --token-file ", &file.display().to_string()]);
    }
    let text = format!("the job{s} go{go} on without you; to wait again:\n{command}");
    CommandError { text, code }
}

/// Whether a job has ended, or is none.
fn has_ended(job: &Value) -> bool {
    matches!(job["state"].as_str(), Some("ok" | "dead" | "cancelled") | None)
}

/// The jobs of these ids when they have ended, in the same order. The board shows how they come on meanwhile.
pub(super) async fn ended(
    client: &AdminClient,
    ids: &[String],
    mut board: Board,
) -> Result<Vec<Value>, CommandError> {
    let query: &[(&str, &str)] = if board.is_quiet() {
        &[("wait", WAIT)]
    } else {
        &[("wait", LOOK), ("running", RUNNING)]
    };
    let ask = |index: usize| async move {
        let path = ["jobs", &ids[index]];
        let mut failing = None;
        loop {
            let asked = client.ask_about(Method::GET, &path, query, None).await;
            let since = *failing.get_or_insert_with(Instant::now);
            match asked {
                // The job outlives its server, and so does who waits for it.
                Err(error) if error.code == UNAVAILABLE && since.elapsed() < PATIENCE => sleep(PAUSE).await,
                asked => return (index, asked),
            }
        }
    };
    let mut what = format!("{} jobs", ids.len());
    let mut standings = vec![Standing::unknown(); ids.len()];
    let mut jobs = vec![Value::Null; ids.len()];
    let mut waiting = 0..ids.len();
    let mut asked: FuturesUnordered<_> = waiting.by_ref().take(AT_A_TIME).map(ask).collect();
    while let Some((index, job)) = asked.next().await {
        let job = job?;
        if let [_] = ids {
            job["title"].as_str().unwrap_or_default().clone_into(&mut what);
        }
        standings[index] = Standing::of(&job);
        board.show(&what, &Standing::sum(&standings));
        if has_ended(&job) {
            jobs[index] = job;
            asked.extend(waiting.next().map(ask));
        } else {
            asked.push(ask(index));
        }
    }
    board.end(&what, &Standing::sum(&standings));
    Ok(jobs)
}
