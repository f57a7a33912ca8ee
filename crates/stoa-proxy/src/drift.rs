//! Compares what is stored with what its source and the checksum database have today.

use std::{fmt, sync::Arc};

use futures_util::{StreamExt, stream};
use stoa_fetch::{Context, Fetcher, Question};
use stoa_module::{
    Info, ModuleVersion, PatternList, Resource,
    dirhash::{H1, go_mod_h1},
    zip::ZipLimits,
};
use stoa_storage::{FileKey, FileKind, Storage, StorageError, StoredVersion};
use stoa_sumdb::{KeyName, ModuleSums, RemotePath, SumFile};

use crate::{
    ChecksumDatabase, ChecksumError, Meaning, ProxyError,
    pump::{BlobReader, check_whole, receive},
    walk::Walk,
};

/// The largest `.info` or `.mod` that is read, in bytes.
const SMALL: usize = 16 << 20;

/// What somebody has of a file today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Today {
    /// A `.mod` or `.zip` with this hash.
    Hash(String),
    /// An `.info` that tells this time and, where both tell one, this commit.
    Commit(String),
    /// Nothing any more, or nothing yet.
    Missing,
    /// Nobody was asked.
    NotAsked,
    /// It could not be found out.
    Failed(String),
}

impl fmt::Display for Today {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hash(content) | Self::Commit(content) => f.write_str(content),
            Self::Missing => f.write_str("nothing"),
            Self::NotAsked => f.write_str("not asked"),
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}

/// A stored file that its source or the checksum database has another content of, or that could not be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Which.
    pub file: FileKey,
    /// What is stored, and goes on being served.
    pub stored: Today,
    /// What the source has.
    pub upstream: Today,
    /// What the checksum database has.
    pub database: Today,
}

impl Drift {
    /// Whether somebody has another content. What could not be compared has not changed as far as is known.
    pub fn is_changed(&self) -> bool {
        let is_content = |today: &Today| matches!(today, Today::Hash(_) | Today::Commit(_));
        let is_other = |today: &Today| is_content(today) && *today != self.stored;
        is_content(&self.stored) && (is_other(&self.upstream) || is_other(&self.database))
    }

    /// Whether it could not be compared with somebody.
    pub fn is_failed(&self) -> bool {
        [&self.stored, &self.upstream, &self.database]
            .into_iter()
            .any(|today| matches!(today, Today::Failed(_)))
    }
}

/// How much was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriftReport {
    /// Modules.
    pub modules: u64,
    /// Versions.
    pub versions: u64,
    /// Files, `.info`, `.mod` and `.zip`.
    pub files: u64,
    /// Those of which somebody has another content.
    pub changed: u64,
    /// Those that the source does not have any more.
    pub gone: u64,
    /// Those that could not be compared.
    pub failed: u64,
}

/// Compares a storage with where its modules came from. Nothing is stored, and nothing stored is changed: the first
/// content wins.
#[derive(Clone, Debug)]
pub struct DriftCheck {
    /// What is stored.
    pub storage: Arc<dyn Storage>,
    /// Where it came from.
    pub fetcher: Arc<dyn Fetcher>,
    /// Who recorded what is public.
    pub database: Option<(KeyName, Arc<dyn ChecksumDatabase>)>,
    /// What is not.
    pub private: PatternList,
    /// The rules of module zips.
    pub limits: ZipLimits,
    /// Versions compared at once.
    pub parallel: usize,
}

impl DriftCheck {
    /// Compares everything. `progress` hears of each version, `found` of each file that changed or could not be
    /// compared, as they come.
    ///
    /// # Errors
    /// When storage cannot be listed.
    pub async fn run(
        &self,
        mut progress: impl FnMut(&DriftReport),
        mut found: impl FnMut(&Drift),
    ) -> Result<DriftReport, StorageError> {
        let mut report = DriftReport::default();
        let mut walk = Walk::new(Arc::clone(&self.storage));
        while let Some(versions) = walk.next().await? {
            report.modules += 1;
            let versions = versions
                .into_iter()
                .map(|(target, stored)| self.version(target, stored));
            let mut compared = stream::iter(versions).buffer_unordered(self.parallel.max(1));
            while let Some(files) = compared.next().await {
                report.versions += 1;
                for drift in &files {
                    report.add(drift);
                    if drift.is_changed() || drift.is_failed() {
                        found(drift);
                    }
                }
                progress(&report);
            }
        }
        Ok(report)
    }

    async fn version(&self, target: ModuleVersion, stored: StoredVersion) -> Vec<Drift> {
        let kinds = [(FileKind::Mod, SumFile::GoMod), (FileKind::Zip, SumFile::Zip)];
        let recorded = self.recorded(&target).await;
        let mut files = Vec::new();
        if stored.info {
            files.push(self.info(&target).await);
        }
        for (kind, sum_file) in kinds {
            if !stored.has(kind) {
                continue;
            }
            let file = FileKey::new(target.clone(), kind);
            let database = match &recorded {
                Ok(sums) => sums
                    .recorded(sum_file)
                    .map_or(Today::Missing, |hash| Today::Hash(hash.to_owned())),
                Err(today) => today.clone(),
            };
            files.push(Drift {
                stored: today(self.stored(&file).await),
                upstream: today(self.upstream(&file).await),
                database,
                file,
            });
        }
        files
    }

    /// What the two say of the version, not how they say it: an `.info` may be written in many ways, and not every source
    /// tells an origin.
    async fn info(&self, target: &ModuleVersion) -> Drift {
        let file = FileKey::new(target.clone(), FileKind::Info);
        let stored = self.stored_info(&file).await;
        let upstream = self.upstream_info(target).await;
        let hash = |info: &Result<Info, ProxyError>| {
            let origin = info.as_ref().ok()?.origin.as_ref()?;
            (!origin.hash.is_empty()).then(|| origin.hash.clone())
        };
        let has_commits = hash(&stored).is_some() && hash(&upstream).is_some();
        let commit = |info: Result<Info, ProxyError>| {
            info.map_or_else(
                |error| missing_or_failed(&error),
                |info| {
                    let time = info.time.filter(|time| !time.is_go_zero());
                    let time = time.map_or_else(|| "no time".to_owned(), |time| time.in_utc());
                    match info.origin {
                        Some(origin) if has_commits => Today::Commit(format!("{time} {}", origin.hash)),
                        _ => Today::Commit(time),
                    }
                },
            )
        };
        Drift {
            file,
            stored: commit(stored),
            upstream: commit(upstream),
            // It has no `.info`.
            database: Today::NotAsked,
        }
    }

    async fn stored_info(&self, file: &FileKey) -> Result<Info, ProxyError> {
        let blob = self.storage.open(file).await?.ok_or_else(gone)?;
        let json = blob.bytes(SMALL).await?;
        let read = Info::parse_answer(&Resource::Info(file.target.clone()), &json);
        read.map_err(|error| ProxyError::internal(format!("what is stored is bad: {error}")))
    }

    async fn upstream_info(&self, target: &ModuleVersion) -> Result<Info, ProxyError> {
        let resource = Resource::Info(target.clone());
        let fetched = self.fetcher.fetch(&ask(resource.clone())).await?;
        let source_name = fetched.source_name.clone();
        let json = fetched.bytes().await?;
        Info::parse_answer(&resource, &json).map_err(|error| ProxyError::invalid(&source_name, error))
    }

    async fn recorded(&self, target: &ModuleVersion) -> Result<Arc<ModuleSums>, Today> {
        let Some((_, database)) = &self.database else {
            return Err(Today::NotAsked);
        };
        if self.private.matches(target.path().as_str()) {
            return Err(Today::NotAsked);
        }
        match database.get(&RemotePath::Lookup(target.clone())).await {
            Ok(answer) => answer.sums.ok_or(Today::Missing),
            Err(error) => Err(match error.checksum_error() {
                Some(ChecksumError::NotRecorded { .. }) => Today::Missing,
                _ => Today::Failed(error.report().to_string()),
            }),
        }
    }

    /// The hash of what is stored. That of a zip is made of its bytes: what was recorded when they came says nothing of
    /// what they are today.
    async fn stored(&self, file: &FileKey) -> Result<H1, ProxyError> {
        let blob = self.storage.open(file).await?.ok_or_else(gone)?;
        if file.kind != FileKind::Zip {
            return Ok(go_mod_h1(&blob.bytes(SMALL).await?));
        }
        let len = blob.len();
        let checked = check_whole(&file.target, &self.limits, Arc::new(BlobReader(blob)), len).await?;
        let bad = |error| ProxyError::internal(format!("what is stored is bad: {error}"));
        checked.map(|summary| summary.h1).map_err(bad)
    }

    /// The hash of what the source has.
    async fn upstream(&self, file: &FileKey) -> Result<H1, ProxyError> {
        if file.kind != FileKind::Zip {
            let resource = Resource::Mod(file.target.clone());
            let fetched = self.fetcher.fetch(&ask(resource)).await?;
            return Ok(go_mod_h1(&fetched.bytes().await?));
        }
        let fetched = self
            .fetcher
            .fetch(&ask(Resource::Zip(file.target.clone())))
            .await?;
        // Some zips can only be read from their end. The stage is never committed, and leaves nothing behind.
        let mut stage = self.storage.stage(file).await?;
        let received = receive(fetched, stage.as_mut(), &file.target, &self.limits, |_| ()).await?;
        Ok(received.h1)
    }
}

fn ask(resource: Resource) -> Question {
    Question::new(resource, Context::background())
}

fn gone() -> ProxyError {
    ProxyError::internal("it went away while it was compared")
}

fn today(hash: Result<H1, ProxyError>) -> Today {
    hash.map_or_else(
        |error| missing_or_failed(&error),
        |hash| Today::Hash(hash.to_string()),
    )
}

fn missing_or_failed(error: &ProxyError) -> Today {
    match error.meaning() {
        Meaning::NotFound | Meaning::Gone => Today::Missing,
        _ => Today::Failed(error.report().to_string()),
    }
}

impl DriftReport {
    fn add(&mut self, drift: &Drift) {
        self.files += 1;
        self.changed += u64::from(drift.is_changed());
        self.failed += u64::from(drift.is_failed());
        self.gone += u64::from(drift.upstream == Today::Missing);
    }
}
