//! Bounding what programs write.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::process::{Call, Output};
use crate::{Step, VcsError, VcsKind};

/// How often the size is measured.
const EVERY: Duration = Duration::from_millis(500);

/// What a program may write, and where.
#[derive(Clone, Debug)]
pub(crate) struct Quota {
    /// Which system the error names.
    pub(crate) vcs: VcsKind,
    /// Which step the error names.
    pub(crate) step: Step,
    /// The folder that is measured.
    pub(crate) folder: PathBuf,
    /// How many bytes it may have.
    pub(crate) limit: u64,
}

impl Quota {
    /// Runs `call` to its end; stops it soon after the folder has grown too large.
    pub(crate) async fn run(&self, call: Call) -> Result<Output, VcsError> {
        let run = call.run();
        tokio::pin!(run);
        let mut every = interval(EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                output = &mut run => {
                    self.check().await?;
                    return output;
                }
                _ = every.tick() => self.check().await?,
            }
        }
    }

    async fn check(&self) -> Result<(), VcsError> {
        let folder = self.folder.clone();
        let size = tokio::task::spawn_blocking(move || size(&folder)).await;
        if size.is_ok_and(|size| size > self.limit) {
            return Err(VcsError::TooLarge {
                vcs: self.vcs,
                step: self.step,
                limit: self.limit,
            });
        }
        Ok(())
    }
}

/// The bytes of all files below `folder`. A file that appears or disappears meanwhile may count or not; links count
/// nothing.
fn size(folder: &Path) -> u64 {
    let mut sum = 0_u64;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        for entry in entries.flatten() {
            // It does not follow links.
            let Ok(data) = entry.metadata() else { continue };
            if data.is_dir() {
                folders.push(entry.path());
            } else if data.is_file() {
                sum = sum.saturating_add(data.len());
            }
        }
    }
    sum
}
