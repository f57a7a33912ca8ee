//! Moves a release archive from its server into storage, checking it on the way.

use std::time::Duration;

use sha2::{Digest, Sha256};
use stoa_fetch::Fetched;
use stoa_storage::Stage;
use tokio::task::spawn_blocking;

use super::name::ReleaseName;
use crate::{GrowingWriter, ProxyError, pump::next_batch};

/// A transfer of which nothing comes, and for which nobody has waited for so long, is given up.
const FORSAKEN: Duration = Duration::from_secs(5);

/// One transfer.
#[derive(Debug)]
pub(super) struct ReleasePump {
    pub(super) name: ReleaseName,
    /// What the index says.
    pub(super) sha256: [u8; 32],
    pub(super) len: u64,
}

impl ReleasePump {
    /// Runs the transfer to its end and tells the followers how it went.
    pub(super) async fn run(
        self,
        fetched: Fetched,
        stage: Box<dyn Stage>,
        writer: GrowingWriter,
    ) -> Result<(), ProxyError> {
        let result = tokio::select! {
            biased;
            result = self.transfer(fetched, stage, |more| writer.advance(more)) => result,
            () = writer.forsaken(FORSAKEN) => {
                Err(ProxyError::internal("nobody waits for it any more, and nothing comes"))
            }
        };
        if let Err(error) = &result {
            tracing::warn!(
                file = %self.name, error = %error.report(),
                "a release archive was not stored; its clients are cut off"
            );
        }
        writer.finish(result.clone());
        result
    }

    async fn transfer(
        &self,
        mut fetched: Fetched,
        mut stage: Box<dyn Stage>,
        advance: impl Fn(u64),
    ) -> Result<(), ProxyError> {
        // Kept until the archive is stored.
        let _slot = fetched.slot.take();
        let source_name = fetched.source_name.clone();
        let (mut digest, mut total) = (Sha256::new(), 0);
        while let Some(batch) = next_batch(&mut fetched.body).await? {
            let len = batch.len() as u64;
            total += len;
            if total > self.len {
                break;
            }
            let hashing = spawn_blocking({
                let batch = batch.clone();
                move || {
                    digest.update(&batch);
                    digest
                }
            });
            let (written, hashed) = tokio::join!(stage.write(batch), hashing);
            written?;
            digest = hashed.map_err(|_panic| ProxyError::internal("hashing panicked"))?;
            advance(len);
        }
        let name = &self.name;
        if total != self.len {
            let (more, want) = (if total > self.len { "more than " } else { "" }, self.len);
            let has = total.min(want);
            let reason = format!("{name} has {more}{has} bytes, and the index says {want}; not stored");
            return Err(ProxyError::invalid(&source_name, reason));
        }
        let found: [u8; 32] = digest.finalize().into();
        if found != self.sha256 {
            let (found, want) = (hex(&found), hex(&self.sha256));
            let reason = format!("{name} has SHA-256 {found}, and the index says {want}; not stored");
            return Err(ProxyError::invalid(&source_name, reason));
        }
        // Whoever was faster has checked it, too.
        stage.commit(None).await.map(drop).map_err(ProxyError::from)
    }
}

/// Hexadecimal digits, in lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
