//! Brings in what sources have of some modules.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_fetch::{Context, Question};
use stoa_jobs::{Failure, Handler, NewJob, Outcome, Priority, Run};
use stoa_module::{ModulePath, Query, Resource, Version, WantedFiles, semver};
use stoa_storage::{Storage, StorageError};

use super::{
    MirrorSpec, MirrorVersions, ModuleSpec,
    mirror_modules::{Cursor, MirrorModules},
    mirror_spec::MirrorEntry,
    module_handler::outcome_of,
};
use crate::{
    Meaning, ModuleQuery, Protocol, ProxyError, QueryError, Stash, Stasher, VersionList,
    small_file::small_file,
};

/// How many children are made at a time. Those of the next part are made when these have ended.
const PART: usize = 1_000;
/// After how many modules it is written down how far a run has come.
const STEP: usize = 100;
/// After jobs of the same host that somebody asked for.
const LATER: Priority = Priority::new(7).expect("it is at most 9");

/// Runs jobs of kind [`MIRROR`](super::MIRROR): asks the sources for lists, and makes a job of kind
/// [`MODULE`](super::MODULE) for every version that is wanted and not stored. It is done when all of these are.
#[derive(Debug)]
pub struct MirrorHandler {
    /// Not the clients' own pipeline: a mirror asks for what is new, and not for what is remembered.
    sources: Arc<dyn Protocol>,
    storage: Arc<dyn Storage>,
}

/// How far a mirror has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Progress {
    cursor: Cursor,
    /// The next module, if some of its versions had no room in the part before, and the last one that had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rest: Option<(String, String)>,
    /// Modules that were listed.
    modules: u64,
    /// Modules that could not be listed,
    unlisted: u64,
    /// and why the first one could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl MirrorHandler {
    /// Asks `stasher`, and looks into `storage` for what is there.
    pub fn new(stasher: Arc<dyn Stasher>, storage: Arc<dyn Storage>) -> Self {
        let sources = Arc::new(Stash::new(stasher));
        Self { sources, storage }
    }

    /// Goes on from `progress`, until there are enough children, or none are left to find.
    async fn part(&self, run: &Run, spec: &MirrorSpec, progress: &mut Progress) -> Result<Found, Outcome> {
        let entries = spec
            .modules
            .iter()
            .map(|text| MirrorEntry::parse(text))
            .collect::<Result<_, _>>();
        let entries = entries.map_err(|error| Outcome::Dead(Failure::new("payload", &error)))?;
        let mut modules = MirrorModules::new(Arc::clone(&self.storage), entries, &progress.cursor);
        let mut found = Found::default();
        for _ in 0..STEP {
            let Some(module) = modules.next().await.map_err(of_storage)? else {
                found.is_all = true;
                break;
            };
            match self.missing(spec, &module).await {
                Ok(mut versions) => {
                    if let Some((path, last)) = &progress.rest
                        && path == module.as_str()
                    {
                        versions.retain(|version| semver::compare_total(version.as_str(), last).is_gt());
                    }
                    let room = PART - found.children.len();
                    let rest = versions.len() > room;
                    versions.truncate(room);
                    let last = versions.last().map(|last| (module.to_string(), last.to_string()));
                    found
                        .children
                        .extend(versions.into_iter().map(|version| child(&module, version)));
                    if rest {
                        progress.rest = last.or(progress.rest.take());
                        break;
                    }
                    progress.modules += 1;
                }
                Err(QueryError::Proxy(error)) if is_ours(&error) => {
                    // What was found meanwhile is not found once more.
                    if found.children.is_empty() {
                        return Err(outcome_of(&error));
                    }
                    break;
                }
                Err(error) => {
                    progress.unlisted += 1;
                    progress.why.get_or_insert_with(|| format!("{module}: {error}"));
                }
            }
            (progress.cursor, progress.rest) = (modules.cursor(), None);
            run.progress(json!({ "modules": progress.modules, "unlisted": progress.unlisted }));
        }
        Ok(found)
    }

    /// The versions of a module that are wanted and not whole in the storage, from the lowest up.
    async fn missing(&self, spec: &MirrorSpec, module: &ModulePath) -> Result<Vec<Version>, QueryError> {
        let mut versions = self.listed(spec, module).await?;
        let stored = self.storage.versions(module).await.map_err(ProxyError::from)?;
        versions.retain(|version| {
            let is_whole = |stored: &&stoa_storage::StoredVersion| stored.info && stored.go_mod && stored.zip;
            !stored
                .iter()
                .filter(is_whole)
                .any(|stored| stored.version == *version)
        });
        Ok(versions)
    }

    async fn listed(&self, spec: &MirrorSpec, module: &ModulePath) -> Result<Vec<Version>, QueryError> {
        let context = Context::background();
        if spec.versions != MirrorVersions::Latest {
            let question = Question::new(Resource::List(module.clone()), context.clone());
            let list = VersionList::parse(module, &small_file(self.sources.as_ref(), &question).await?);
            if !list.is_empty() {
                let is_wanted =
                    |version: &&Version| spec.versions == MirrorVersions::All || !version.is_prerelease();
                let mut versions: Vec<_> = list.iter().filter(is_wanted).cloned().collect();
                let limit = spec
                    .limit
                    .map_or(versions.len(), |limit| limit.get().min(versions.len()));
                return Ok(versions.split_off(versions.len() - limit));
            }
        }
        // Also of a module without tags: there is a latest revision.
        let query: ModuleQuery = module.as_str().parse()?;
        let resolved = query.resolve(self.sources.as_ref(), &context).await?;
        Ok(match resolved.resource {
            Resource::Info(target) => vec![target.version().clone()],
            _ => Vec::new(),
        })
    }
}

/// What a part of a run has found.
#[derive(Debug, Default)]
struct Found {
    children: Vec<NewJob>,
    is_all: bool,
}

fn child(module: &ModulePath, version: Version) -> NewJob {
    NewJob {
        priority: LATER,
        ..ModuleSpec::new(module, &Query::Version(version), WantedFiles::All).job()
    }
}

/// Whether a failure says nothing of the module: the next one would fail, too.
fn is_ours(error: &ProxyError) -> bool {
    matches!(
        error.meaning(),
        Meaning::Overloaded | Meaning::StorageUnavailable | Meaning::StorageFull | Meaning::Internal
    )
}

fn of_storage(error: StorageError) -> Outcome {
    outcome_of(&error.into())
}

#[async_trait]
impl Handler for MirrorHandler {
    async fn run(&self, run: &Run) -> Outcome {
        let job = run.job();
        let spec: MirrorSpec = match serde_json::from_value(job.payload.clone()) {
            Ok(spec) => spec,
            Err(error) => return Outcome::Dead(Failure::new("payload", &error.to_string())),
        };
        let mut progress: Progress = serde_json::from_value(job.checkpoint.clone()).unwrap_or_default();
        let found = match self.part(run, &spec, &mut progress).await {
            Ok(found) => found,
            Err(outcome) => return outcome,
        };
        if !found.is_all || !found.children.is_empty() {
            let (children, checkpoint) = (found.children, json!(progress));
            return Outcome::Spawn { children, checkpoint };
        }
        let (ok, failed) = (job.children.ok, job.children.failed);
        let Progress {
            modules,
            unlisted,
            why,
            ..
        } = progress;
        if failed == 0 && unlisted == 0 {
            return Outcome::Ok(json!({ "modules": modules, "versions": ok }));
        }
        let why = why.map_or_else(String::new, |why| format!("; {why}"));
        let text = format!(
            "{failed} of {} versions could not be brought in, and {unlisted} of {} modules not be listed{why}",
            ok + failed,
            modules + unlisted
        );
        Outcome::Dead(Failure::new("incomplete", &text))
    }
}
