//! Reads storage again and compares it with what it was.

use std::{fmt, sync::Arc};

use futures_util::{StreamExt, stream};

use stoa_fetch::{Context, Question};
use stoa_module::{
    Info, ModuleVersion, Resource,
    dirhash::{H1, go_mod_h1},
    modfile::check_go_mod,
    zip::{ZipLimits, ZipSummary},
};
use stoa_storage::{Blob, FileKey, FileKind, Storage, StorageError, StoredVersion};

use crate::{
    Content, ProxyError, Stasher,
    pump::{BlobReader, check_whole},
    walk::Walk,
};

/// The largest `.info` or `.mod` that is read, in bytes.
const SMALL: usize = 16 << 20;

/// What is wrong with a stored file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The `.info` is not what a version's `.info` must be.
    BadInfo(String),
    /// The `.mod` is nothing that a dependent could read.
    BadGoMod(String),
    /// The `.mod` is not the one inside the zip of the same version.
    OtherGoMod {
        /// The hash of the stored `.mod`.
        stored: H1,
        /// The hash of the go.mod in the zip.
        in_zip: H1,
    },
    /// The zip breaks the rules of module zips or cannot be inflated.
    BadZip(String),
    /// The zip does not have the hash that was recorded when it was stored.
    OtherHash {
        /// As it was.
        recorded: H1,
        /// As it is.
        actual: H1,
    },
    /// The file cannot be read.
    Unreadable(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadInfo(reason) => write!(f, "bad .info: {reason}"),
            Self::BadGoMod(reason) => write!(f, "bad .mod: {reason}"),
            Self::OtherGoMod { stored, in_zip } => {
                write!(f, "its hash is {stored}, but go.mod in the zip has {in_zip}")
            }
            Self::BadZip(reason) => write!(f, "bad zip: {reason}"),
            Self::OtherHash { recorded, actual } => {
                write!(f, "its hash is {actual}, but {recorded} was recorded")
            }
            Self::Unreadable(reason) => write!(f, "cannot be read: {reason}"),
        }
    }
}

/// What became of a damaged file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// It was left alone.
    NotTried,
    /// It was put aside and fetched again.
    Restored,
    /// It was put aside, and fetching it again failed. The next client that asks tries again.
    Failed(String),
    /// The source has other content now; neither is served.
    Drifted {
        /// The hash of what the source has.
        now: H1,
    },
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTried => f.write_str("not repaired"),
            Self::Restored => f.write_str("put aside and fetched again"),
            Self::Failed(reason) => write!(f, "put aside; fetching it again failed: {reason}"),
            Self::Drifted { now } => write!(f, "put aside; the source has other content now ({now})"),
        }
    }
}

/// A damaged file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub file: FileKey,
    /// What is wrong.
    pub problem: Problem,
    /// What was done.
    pub repair: Repair,
}

/// How much was read and what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Modules.
    pub modules: u64,
    /// Versions with any file.
    pub versions: u64,
    /// Files read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Zips that are good but have no recorded hash to compare with: their writer died between the two.
    pub unrecorded: u64,
    /// Damaged files.
    pub bad: u64,
    /// Damaged files that could be restored.
    pub restored: u64,
}

/// Verifies a storage.
#[derive(Clone, Debug)]
pub struct Verifier {
    storage: Arc<dyn Storage>,
    limits: ZipLimits,
    /// Fetches again what is damaged; `None` only reports.
    repair: Option<Arc<dyn Stasher>>,
    /// Versions verified at once.
    parallel: usize,
}

/// What one version showed.
#[derive(Debug, Default)]
struct Verified {
    files: u64,
    bytes: u64,
    unrecorded: u64,
    findings: Vec<Finding>,
}

impl Verifier {
    /// Verifies `storage`; with `repair`, damaged files are put aside and fetched again through it.
    pub fn new(
        storage: Arc<dyn Storage>,
        limits: ZipLimits,
        repair: Option<Arc<dyn Stasher>>,
        parallel: usize,
    ) -> Self {
        Self {
            storage,
            limits,
            repair,
            parallel: parallel.max(1),
        }
    }

    /// Reads everything. `progress` hears of each version, `found` of each damaged file, as they come.
    ///
    /// # Errors
    /// When storage cannot be listed. A file that cannot be read is a finding.
    pub async fn run(
        &self,
        mut progress: impl FnMut(&VerifyReport),
        mut found: impl FnMut(&Finding),
    ) -> Result<VerifyReport, StorageError> {
        let mut report = VerifyReport::default();
        let mut walk = Walk::new(Arc::clone(&self.storage));
        while let Some(versions) = walk.next().await? {
            report.modules += 1;
            let versions = versions
                .into_iter()
                .map(|(target, stored)| self.version(target, stored));
            let mut verified = stream::iter(versions).buffer_unordered(self.parallel);
            while let Some(version) = verified.next().await {
                report.add(&version);
                version.findings.iter().for_each(&mut found);
                progress(&report);
            }
        }
        Ok(report)
    }

    async fn version(&self, target: ModuleVersion, stored: StoredVersion) -> Verified {
        let mut verified = Verified::default();
        let key = |kind| FileKey::new(target.clone(), kind);
        if stored.info {
            let problem = self.info(&target, &mut verified).await;
            self.note(key(FileKind::Info), problem, &mut verified).await;
        }
        let mut go_mod_in_zip = None;
        if stored.zip {
            let checked = self.zip(&target, &mut verified).await;
            let problem = checked.map(|summary| go_mod_in_zip = summary.go_mod_h1);
            self.note(key(FileKind::Zip), problem, &mut verified).await;
        }
        if stored.go_mod {
            let problem = self.go_mod(&target, go_mod_in_zip, &mut verified).await;
            self.note(key(FileKind::Mod), problem, &mut verified).await;
        }
        verified
    }

    async fn info(&self, target: &ModuleVersion, verified: &mut Verified) -> Result<(), Problem> {
        let content = self
            .small(FileKey::new(target.clone(), FileKind::Info), verified)
            .await?;
        let Some(content) = content else { return Ok(()) };
        let read = Info::parse_answer(&Resource::Info(target.clone()), &content);
        read.map(|_info| ())
            .map_err(|error| Problem::BadInfo(error.to_string()))
    }

    /// With the go.mod of the zip, it is compared; without, it is read.
    async fn go_mod(
        &self,
        target: &ModuleVersion,
        in_zip: Option<H1>,
        verified: &mut Verified,
    ) -> Result<(), Problem> {
        let content = self
            .small(FileKey::new(target.clone(), FileKind::Mod), verified)
            .await?;
        let Some(content) = content else { return Ok(()) };
        let Some(in_zip) = in_zip else {
            let checked = check_go_mod(target.path(), &content);
            return checked.map_err(|error| Problem::BadGoMod(error.to_string()));
        };
        let stored = go_mod_h1(&content);
        if stored == in_zip {
            Ok(())
        } else {
            Err(Problem::OtherGoMod { stored, in_zip })
        }
    }

    async fn small(&self, key: FileKey, verified: &mut Verified) -> Result<Option<bytes::Bytes>, Problem> {
        let Some(blob) = self.open(&key, verified).await? else {
            return Ok(None);
        };
        blob.bytes(SMALL)
            .await
            .map(Some)
            .map_err(|error| Problem::Unreadable(error.report().to_string()))
    }

    async fn zip(&self, target: &ModuleVersion, verified: &mut Verified) -> Result<ZipSummary, Problem> {
        let unreadable = |error: StorageError| Problem::Unreadable(error.report().to_string());
        let key = FileKey::new(target.clone(), FileKind::Zip);
        let gone = || Problem::Unreadable("it went away while it was verified".to_owned());
        let blob = self.open(&key, verified).await?.ok_or_else(gone)?;
        let len = blob.len();
        let checked = check_whole(target, &self.limits, Arc::new(BlobReader(blob)), len)
            .await
            .map_err(|error| Problem::Unreadable(error.report().to_string()))?;
        let summary = checked.map_err(|error| Problem::BadZip(error.to_string()))?;
        match self.storage.h1(target).await.map_err(unreadable)? {
            Some(recorded) if recorded != summary.h1 => Err(Problem::OtherHash {
                recorded,
                actual: summary.h1,
            }),
            Some(_) => Ok(summary),
            None => {
                verified.unrecorded += 1;
                Ok(summary)
            }
        }
    }

    async fn open(&self, key: &FileKey, verified: &mut Verified) -> Result<Option<Blob>, Problem> {
        let blob = self
            .storage
            .open(key)
            .await
            .map_err(|error| Problem::Unreadable(error.report().to_string()))?;
        if let Some(blob) = &blob {
            verified.files += 1;
            verified.bytes += blob.len();
        }
        Ok(blob)
    }

    /// Notes a problem, and repairs it if that is wanted.
    async fn note(&self, file: FileKey, checked: Result<(), Problem>, verified: &mut Verified) {
        let Err(problem) = checked else { return };
        let repair = match &self.repair {
            None => Repair::NotTried,
            Some(stasher) => {
                let wanted = match &problem {
                    Problem::OtherHash { recorded, .. } => Some(*recorded),
                    Problem::OtherGoMod { in_zip, .. } => Some(*in_zip),
                    _ if file.kind == FileKind::Zip => self.storage.h1(&file.target).await.ok().flatten(),
                    _ => None,
                };
                let repaired = self.repair(stasher.as_ref(), &file, wanted).await;
                repaired.unwrap_or_else(|error| Repair::Failed(error.report().to_string()))
            }
        };
        verified.findings.push(Finding {
            file,
            problem,
            repair,
        });
    }

    /// Puts the file aside and fetches it again. A zip must have the hash that was recorded, and a `.mod` that of the
    /// go.mod in the stored zip: the first content wins, also over what the source says today.
    async fn repair(
        &self,
        stasher: &dyn Stasher,
        file: &FileKey,
        wanted: Option<H1>,
    ) -> Result<Repair, ProxyError> {
        self.storage.quarantine(file).await?;
        let resource = match file.kind {
            FileKind::Info => Resource::Info(file.target.clone()),
            FileKind::Mod => Resource::Mod(file.target.clone()),
            FileKind::Zip => Resource::Zip(file.target.clone()),
        };
        let question = Question::new(resource, Context::background());
        if let Content::Growing(growing) = stasher.stash(&question).await?.content {
            growing.ended().await?;
        }
        let now = match file.kind {
            FileKind::Info => None,
            FileKind::Mod => match self.storage.open(file).await? {
                Some(blob) => Some(go_mod_h1(&blob.bytes(SMALL).await?)),
                None => None,
            },
            FileKind::Zip => self.storage.h1(&file.target).await?,
        };
        match (now, wanted) {
            (Some(now), Some(wanted)) if now != wanted => {
                self.storage.quarantine(file).await?;
                Ok(Repair::Drifted { now })
            }
            _ => Ok(Repair::Restored),
        }
    }
}

impl VerifyReport {
    fn add(&mut self, verified: &Verified) {
        self.versions += 1;
        self.files += verified.files;
        self.bytes += verified.bytes;
        self.unrecorded += verified.unrecorded;
        self.bad += verified.findings.len() as u64;
        let restored = verified
            .findings
            .iter()
            .filter(|finding| finding.repair == Repair::Restored);
        self.restored += restored.count() as u64;
    }
}
