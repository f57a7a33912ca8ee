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

/// Something that has a say in whether new requests should be sent here.
pub trait Condition: std::fmt::Debug + Send + Sync + 'static {
    /// What there is to say when it is well; why not, if it is not. Asked at each look, so that it must not wait.
    fn check(&self) -> Result<Option<String>, String>;
}

/// Ready means: storage can be written, no drain has begun, and no [`Condition`] says otherwise. Sources do not count: what is
/// stored is served without them.
#[derive(Debug)]
pub struct Readiness {
    storage: Arc<dyn Storage>,
    draining: AtomicBool,
    probed: Mutex<Option<(Instant, Result<(), String>)>>,
    conditions: Mutex<Vec<Arc<dyn Condition>>>,
}

impl Readiness {
    /// Ready as long as `storage` is.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            draining: AtomicBool::new(false),
            probed: Mutex::new(None),
            conditions: Mutex::default(),
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

    /// From now on, this has a say.
    pub fn add(&self, condition: Arc<dyn Condition>) {
        self.conditions.lock().push(condition);
    }

    /// What conditions have to say, a line each; why it is not ready, if it is not.
    pub(crate) async fn check(&self) -> Result<Vec<String>, String> {
        if self.is_draining() {
            return Err("draining".to_owned());
        }
        let conditions = self.conditions.lock().clone();
        let said = conditions.iter().map(|condition| condition.check());
        let said = said.collect::<Result<Vec<_>, _>>()?;
        self.probe().await?;
        Ok(said.into_iter().flatten().collect())
    }

    async fn probe(&self) -> Result<(), String> {
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
