//! Takes over what a source has.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures_util::future::join_all;
use serde::Serialize;
use stoa_fetch::{FetchError, SourceName};
use stoa_module::{ModuleVersion, Resource};
use stoa_storage::{FileKey, FileKind, Storage};

use super::cycle::Cycle;
use super::import_source::{ImportError, ImportFile, ImportSource, ImportVersion};
use crate::{Intake, Meaning, ProxyError};

/// A source that fails so often, one time after the other, is away.
const IN_A_ROW: u64 = 16;

/// What became of a version that was not taken over as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is no good.
    Bad,
    /// Other content is stored already, and stays.
    Different,
    /// It cannot be read, or not be verified now.
    Failed,
}

/// A version that was not taken over as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportFinding {
    /// The file, as it would be stored.
    pub file: String,
    /// Where it is in the source.
    pub place: String,
    /// What became of it.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
}

/// What was taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Versions that were looked at.
    pub versions: u64,
    /// Files that are stored now and were not before.
    pub imported: u64,
    /// Their bytes, as far as the source tells.
    pub bytes: u64,
    /// Files that were stored already.
    pub present: u64,
    /// Files of versions that are no good.
    pub bad: u64,
    /// Files that are stored with other content.
    pub different: u64,
    /// Files that could not be read or verified.
    pub failed: u64,
    /// Files in the source that are none of a module.
    pub others: u64,
}

/// Takes over versions, several at a time. What is stored already is passed over, so that it can be begun again at any time.
#[derive(Clone, Debug)]
pub struct Importer {
    source: Arc<dyn ImportSource>,
    storage: Arc<dyn Storage>,
    intake: Intake,
    parallel: usize,
    /// Bytes that have been dealt with, for whoever watches.
    bytes: Arc<AtomicU64>,
    /// The storage that the source is, whose hashes what is stored is held against.
    recorded: Option<Arc<dyn Storage>>,
}

/// What became of one version.
#[derive(Debug, Default)]
struct Taken {
    report: ImportReport,
    findings: Vec<ImportFinding>,
    /// The storage cannot take more.
    fatal: Option<ProxyError>,
}

impl Importer {
    /// From `source` into `storage`, which `intake` stores into, so many versions at a time.
    pub fn new(
        source: Arc<dyn ImportSource>,
        storage: Arc<dyn Storage>,
        intake: Intake,
        parallel: usize,
    ) -> Self {
        Self {
            source,
            storage,
            intake,
            parallel: parallel.max(1),
            bytes: Arc::default(),
            recorded: None,
        }
    }

    /// The same where the source is `storage`, whose recorded hashes zips are held against.
    #[must_use]
    pub fn held_against(mut self, storage: Arc<dyn Storage>) -> Self {
        self.recorded = Some(storage);
        self
    }

    /// How many bytes the source has, as far as it tells beforehand.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub async fn measure(&self) -> Result<u64, ImportError> {
        let (mut bytes, mut after) = (0, None);
        let mut cycle = Cycle::default();
        loop {
            let page = self.source.page(after.as_deref()).await?;
            let files = page.versions.iter().flat_map(|version| &version.files);
            bytes += files.filter_map(|file| file.len).sum::<u64>();
            after = self.next(page.next, &mut cycle)?;
            if after.is_none() {
                return Ok(bytes);
            }
        }
    }

    /// Does it. `progress` is told after each few versions, `found` of each file that is not taken over, `other` of what is there
    /// beside.
    ///
    /// # Errors
    /// When the source cannot be listed, or the storage takes nothing more. It goes on there the next time.
    pub async fn run(
        &self,
        mut progress: impl FnMut(&ImportReport),
        mut found: impl FnMut(&ImportFinding),
        mut other: impl FnMut(&str),
    ) -> Result<ImportReport, ImportError> {
        let mut report = ImportReport::default();
        let mut in_a_row = 0;
        let mut after = None;
        let mut cycle = Cycle::default();
        loop {
            let page = self.source.page(after.as_deref()).await?;
            for place in &page.others {
                report.others += 1;
                other(place);
            }
            for some in page.versions.chunks(self.parallel) {
                let mut taking = Vec::with_capacity(some.len());
                for version in some {
                    taking.push(self.version(version));
                }
                for taken in join_all(taking).await {
                    report.add(&taken.report);
                    taken.findings.iter().for_each(&mut found);
                    if let Some(error) = taken.fatal {
                        return Err(ImportError::Other(error.report().to_string()));
                    }
                    in_a_row = if taken.report.failed > 0 { in_a_row + 1 } else { 0 };
                    if in_a_row >= IN_A_ROW {
                        return Err(ImportError::Other(format!(
                            "{IN_A_ROW} versions in a row could not be read or verified; run it again when {} answers",
                            self.source
                        )));
                    }
                }
                progress(&report);
            }
            after = self.next(page.next, &mut cycle)?;
            if after.is_none() {
                return Ok(report);
            }
        }
    }

    /// The place of the next page, unless it has been there before.
    fn next(&self, next: Option<String>, cycle: &mut Cycle) -> Result<Option<String>, ImportError> {
        match next {
            Some(place) if cycle.is_closed_by(&place) => Err(ImportError::Other(format!(
                "the pages of {} go in a circle",
                self.source
            ))),
            next => Ok(next),
        }
    }

    /// How many bytes have been dealt with.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The zip first: of a version whose zip is no good, nothing is taken.
    async fn version(&self, version: &ImportVersion) -> Taken {
        let mut taken = Taken::default();
        taken.report.versions = 1;
        for kind in [FileKind::Zip, FileKind::Mod, FileKind::Info] {
            let Some(file) = version.files.iter().find(|file| file.kind == kind) else {
                continue;
            };
            let key = FileKey::new(version.target.clone(), kind);
            match self.file(&key, file).await {
                Ok(Outcome::Imported) => {
                    taken.report.imported += 1;
                    taken.report.bytes += file.len.unwrap_or(0);
                }
                Ok(Outcome::Present) => taken.report.present += 1,
                Ok(Outcome::Missing) => {}
                Ok(Outcome::Different(reason)) => taken.find(&key, file, Verdict::Different, reason),
                Err(error) => {
                    let (verdict, is_fatal) = judge(&error);
                    taken.find(&key, file, verdict, error.report().to_string());
                    if is_fatal {
                        taken.fatal = Some(error);
                    }
                    break;
                }
            }
        }
        taken
    }

    async fn file(&self, key: &FileKey, file: &ImportFile) -> Result<Outcome, ProxyError> {
        if let Some(stored) = self.storage.open(key).await? {
            // Reading all again to compare would make a second run as long as the first. Small files are read anyway.
            self.dealt_with(file.len.unwrap_or(0));
            if let Some(len) = file.len.filter(|len| *len != stored.len()) {
                let reason = format!("{} bytes are stored, and here are {len}", stored.len());
                return Ok(Outcome::Different(reason));
            }
            return Ok(match self.other_hash(key).await? {
                Some(reason) => Outcome::Different(reason),
                None => Outcome::Present,
            });
        }
        let fetched = match self.source.open(&key.target, file).await {
            Ok(fetched) => fetched,
            // A catalogue does not say which files there are.
            Err(FetchError::NotFound(_)) => return Ok(Outcome::Missing),
            Err(error) => return Err(error.into()),
        };
        let len = file.len.or(fetched.len).unwrap_or(0);
        self.intake
            .take_fetched(resource(&key.target, key.kind), fetched)
            .await?;
        self.dealt_with(len);
        if let Some(reason) = self.other_hash(key).await? {
            // What was read is not what was recorded when it came.
            self.storage.remove(key).await?;
            return Err(ProxyError::invalid(
                &SourceName::new(self.source.to_string()),
                reason,
            ));
        }
        Ok(Outcome::Imported)
    }

    fn dealt_with(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What tells that the stored zip is not the one whose hash is recorded in the source.
    async fn other_hash(&self, key: &FileKey) -> Result<Option<String>, ProxyError> {
        let Some(recorded) = self.recorded.as_ref().filter(|_| key.kind == FileKind::Zip) else {
            return Ok(None);
        };
        let (there, here) = (
            recorded.h1(&key.target).await?,
            self.storage.h1(&key.target).await?,
        );
        Ok(match (there, here) {
            (Some(there), Some(here)) if there != here => {
                Some(format!("its hash is {here}, and {there} is recorded"))
            }
            _ => None,
        })
    }
}

#[derive(Debug)]
enum Outcome {
    Imported,
    Present,
    Missing,
    Different(String),
}

fn resource(target: &ModuleVersion, kind: FileKind) -> Resource {
    match kind {
        FileKind::Info => Resource::Info(target.clone()),
        FileKind::Mod => Resource::Mod(target.clone()),
        FileKind::Zip => Resource::Zip(target.clone()),
    }
}

/// What an error says of a file, and whether nothing more can be stored.
fn judge(error: &ProxyError) -> (Verdict, bool) {
    match error.meaning() {
        Meaning::StorageFull | Meaning::StorageUnavailable => (Verdict::Failed, true),
        // What the checksum database recorded otherwise is refused; what breaks a rule of zips is sent wrongly.
        Meaning::Refused => (Verdict::Bad, false),
        Meaning::BadUpstream if error.is_of_content() => (Verdict::Bad, false),
        _ => (Verdict::Failed, false),
    }
}

impl Taken {
    fn find(&mut self, key: &FileKey, file: &ImportFile, verdict: Verdict, reason: String) {
        match verdict {
            Verdict::Bad => self.report.bad += 1,
            Verdict::Different => self.report.different += 1,
            Verdict::Failed => self.report.failed += 1,
        }
        self.findings.push(ImportFinding {
            file: key.to_string(),
            place: file.place.clone(),
            verdict,
            reason,
        });
    }
}

impl ImportReport {
    fn add(&mut self, other: &Self) {
        self.versions += other.versions;
        self.imported += other.imported;
        self.bytes += other.bytes;
        self.present += other.present;
        self.bad += other.bad;
        self.different += other.different;
        self.failed += other.failed;
        self.others += other.others;
    }

    /// Whether everything is here that could be.
    pub fn is_whole(&self) -> bool {
        self.bad + self.different + self.failed == 0
    }
}
