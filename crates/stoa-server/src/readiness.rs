//! Whether new requests should be sent here.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use stoa_storage::Storage;

/// A probe's answer is used for so long, so that probing costs little.
const PROBE_TTL: Duration = Duration::from_secs(2);

/// Ready means: storage can be written, and no drain has begun. Sources do not count: what is stored is served
/// without them.
#[derive(Debug)]
pub struct Readiness {
    storage: Arc<dyn Storage>,
    draining: AtomicBool,
    probed: Mutex<Option<(Instant, Result<(), String>)>>,
}

impl Readiness {
    /// Ready as long as `storage` is.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            draining: AtomicBool::new(false),
            probed: Mutex::new(None),
        }
    }

    /// Not ready from now on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether a drain has begun.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Why not, if not.
    pub(crate) async fn check(&self) -> Result<(), String> {
        if self.is_draining() {
            return Err("draining".to_owned());
        }
        let recent = self
            .probed
            .lock()
            .clone()
            .filter(|(when, _)| when.elapsed() < PROBE_TTL);
        if let Some((_, result)) = recent {
            return result;
        }
        let checked = self.storage.check().await;
        let report = checked.as_ref().err().map(|error| error.report().to_string());
        let result = checked.map_err(|error| error.to_string());
        let before = self.probed.lock().replace((Instant::now(), result.clone()));
        // The log has the place, once for each time that it fails; a client does not get to know it.
        if let Some(report) = report.filter(|_| before.is_none_or(|(_, before)| before.is_ok())) {
            tracing::warn!(error = %report, "not ready: the storage cannot be written");
        }
        result
    }
}
