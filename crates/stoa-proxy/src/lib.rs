//! The domain of stoa: how one GOPROXY question is answered.
//!
//! Small ports are composed from plain layers, each a struct that holds the next one as `Arc<dyn Trait>`:
//!
//! ```text
//! Protocol   noted_uses -> revalidation_cache -> storage_first -> admission -> resolved_info -> download_mode -> stash
//! Stasher    single_flight -> fetch_and_save -> pool -> the fetcher
//! ```
//!
//! What is fetched is held against the record of a checksum database before it is stored ([`Sums`]); the databases are
//! passed on to clients too ([`ChecksumDatabases`]).
//!
//! * [`Protocol`] answers a client. Memory first, then storage; only what neither knows takes an admission permit and
//!   reaches the [`Stasher`], so that a hit never waits behind a miss.
//! * [`Stasher`] brings something in. Callers who ask for the same thing share one flight, which belongs to nobody: a
//!   caller that goes away cancels nothing, and a panic frees the key.
//!
//! A zip is handed out while it is still arriving ([`Growing`]); its last byte is held back until the whole has been
//! checked and stored, so that a body which ends cleanly is a good one.

mod admission;
mod answer;
mod answer_cache;
mod choose;
mod cluster;
mod content;
mod download;
mod download_mode;
mod drift;
mod error;
mod fetch_and_save;
mod growing;
mod import;
mod indexing;
mod info;
mod key;
mod listing;
mod metered;
mod metrics;
mod module_jobs;
mod module_query;
mod module_queue;
mod no_modules;
mod offline;
mod pipelines;
mod pool;
mod protocol;
mod pump;
mod query_error;
mod refreshes;
mod refusals;
mod releases;
mod resolved_info;
mod resumed;
mod revalidation_cache;
mod selection;
mod single_flight;
mod small_file;
mod stash;
mod stasher;
mod storage_first;
mod sumdb;
mod transfer;
mod upkeep;
mod verify;
mod version_list;
mod walk;
mod weights;

pub use admission::Admission;
pub use answer::{Answer, Held, Outcome};
pub use cluster::{
    ASK_PATH, About, ClusterPeers, KnockAnswer, KnockOptions, Knocker, MakePeer, Member, Members, OwnFiles,
    OwnerKey, OwnerRoute, Peer, PeerClient, PeerFailure, PeerHead, PeerMetrics, PeerOptions, PeerQuestion,
    PeerRequest, PeerRequestError, Peers, PeersSlot, REACH, Reach, StoredElsewhere, SumRelay,
};
pub use content::Content;
pub use download::{Download, DownloadEvent, Downloaded};
pub use download_mode::{DownloadMode, Mode, Modes};
pub use drift::{Drift, DriftCheck, DriftReport, Today};
pub use error::{Cause, ErrorReport, Meaning, ProxyError};
pub use fetch_and_save::{FetchAndSave, Ingest};
pub use growing::{Follower, Growing, GrowingWriter, Lent, growing};
pub use import::{
    CatalogSource, Directory, ImportError, ImportFile, ImportFinding, ImportPage, ImportReport, ImportSource,
    ImportVersion, Importer, Places, StorageSource, Tree, TreeFile, TreePage, TreeSource, Verdict,
};
pub use indexing::{
    IndexMetrics, IndexNotes, NotedUses, RebuildState, Rebuilds, Recorder, Reindex, ReindexError,
    ReindexReport, Source,
};
pub use info::{Info, parse_info};
pub use key::file_key;
pub use metered::{FetchMetrics, Metered};
pub use metrics::{LaneMetrics, RepositoryMetrics, SumMetrics};
pub use module_jobs::{
    MIRROR, MODULE, MirrorHandler, MirrorSchedule, MirrorSpec, MirrorVersions, MissOptions, MissQueue,
    ModuleHandler, ModuleSpec, PREFETCH, PrefetchHandler, PrefetchSpec, schedule_mirrors,
};
pub use module_query::{ModuleQuery, Resolved};
pub use module_queue::{ModuleQueue, QueueSlot};
pub use no_modules::NoModules;
pub use offline::Offline;
pub use pipelines::{
    ClusterOptions, DatabaseOptions, ProtocolOptions, SourceOptions, StasherOptions, fetch_pipeline,
    protocol_pipeline, stash_pipeline, sum_pipeline,
};
pub use pool::Pool;
pub use protocol::Protocol;
pub use query_error::QueryError;
pub use refreshes::Refreshes;
pub use releases::{
    IndexKind, IndexOptions, ReleaseAnswer, ReleaseContent, ReleaseFile, ReleaseIndex, ReleaseMetrics,
    ReleaseName, ReleaseNameError, ReleaseRequest, Releases,
};
pub use resolved_info::ResolvedInfo;
pub use resumed::{BreakMetrics, Resumed};
pub use revalidation_cache::{RevalidationCache, RevalidationOptions};
pub use single_flight::SingleFlight;
pub use stash::Stash;
pub use stasher::{Stashed, Stasher};
pub use storage_first::{NetworkMode, StorageFirst};
pub use sumdb::{
    Alarm, CheckedSums, ChecksumDatabase, ChecksumDatabases, ChecksumError, DatabaseAdapter, Expected,
    NoCheck, PrivateGate, RegisteredFiles, Remote, SumAnswer, SumFiles, SumFlight, SumMemory,
    SumMemoryOptions, SumPathError, SumQuestion, SumRequest, SumRetry, SumWatch, Sums, Unavailable,
    Unwatched, Verification, VerifiedDatabase, Watched,
};
pub use upkeep::{
    Forget, Gc, GcItem, GcReport, GcRounds, GcRules, GcState, Intake, KeepList, Kept, NodeTold, OtherNodes,
    OtherNodesSlot, Removals, Removed, Remover,
};
pub use verify::{Finding, Problem, Repair, Verifier, VerifyReport};
pub use version_list::VersionList;
