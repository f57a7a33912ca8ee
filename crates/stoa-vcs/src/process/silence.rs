//! Ending programs whose servers have fallen silent.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::VcsError;

/// How often a program is looked at, at most: nothing tells that it waits.
const LOOK: Duration = Duration::from_secs(1);

/// Does `work`, the run of the program `id`, and gives up with `silent` when the program has computed nothing for so long. It
/// waits then for a server that says nothing: whatever comes must be read, whichever protocol it comes by. A program that
/// unpacks what has come computes.
pub(super) async fn while_busy<T>(
    id: Option<u32>,
    silence: Duration,
    silent: impl FnOnce() -> VcsError,
    work: impl Future<Output = Result<T, VcsError>>,
) -> Result<T, VcsError> {
    let quiet = async {
        let look = LOOK.min(silence / 4);
        let (mut since, mut before) = (Instant::now(), None);
        while since.elapsed() < silence {
            sleep(look).await;
            let now = id.and_then(computed);
            // Where it cannot be told, only the time of the whole counts.
            if now.is_none() || now != before {
                (since, before) = (Instant::now(), now);
            }
        }
    };
    tokio::select! {
        biased;
        done = work => done,
        () = quiet => Err(silent()),
    }
}

/// How long all threads of a process have run so far, in nanoseconds.
fn computed(id: u32) -> Option<u64> {
    let threads = fs::read_dir(format!("/proc/{id}/task")).ok()?;
    let of = |thread: &Path| -> Option<u64> {
        let text = fs::read_to_string(thread.join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok()
    };
    let times: Vec<u64> = threads
        .flatten()
        .filter_map(|thread| of(&thread.path()))
        .collect();
    (!times.is_empty()).then(|| times.iter().sum())
}
