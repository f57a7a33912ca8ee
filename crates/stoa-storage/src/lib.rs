//! Where stoa keeps modules: the [`Storage`] port, its adapters, and the suite every adapter passes.
//!
//! A storage holds up to three files of a module version, each on its own: `.info`, `.mod` and `.zip`
//! ([`FileKind`]), and beside a zip the hash that was verified when it arrived. Files are immutable: the first
//! content that is stored under a [`FileKey`] wins, for good, against every other writer of every process.
//! Only [`Storage::quarantine`] takes a damaged file out of service, and [`Storage::remove`] a sound one.
//!
//! * The port: [`Storage`], [`Stage`] (a file that arrives piece by piece and can be read meanwhile),
//!   [`Blob`] (a stored file, ready to be served) and [`StorageError`].
//! * [`Records`]: small named files beside the modules, which change and can be swapped; [`Artifacts`]: large ones, which
//!   never change.
//! * The adapters: [`DiskStorage`], whose directory is itself a valid `GOPROXY=file://` tree, [`MemoryStorage`], and
//!   behind features buckets (`object::ObjectStorage`), Athens' external storage protocol (`ExternalStorage`) and MongoDB
//!   (`MongoStorage`). [`TieredStorage`] puts a bounded disk before another one. A [`StorageUrl`] names one by the text of a
//!   configuration.
//! * [`conformance`]: every clause of the contract as a check, for adapters and decorators alike.

mod artifacts;
mod blob;
mod blocking;
pub mod conformance;
mod disk;
mod error;
mod etag;
#[cfg(feature = "external")]
pub mod external;
mod file_walk;
mod key;
mod link;
mod memory;
#[cfg(feature = "mongodb")]
pub mod mongo;
#[cfg(feature = "object")]
pub mod object;
mod object_place;
mod pread;
mod put;
mod record_name;
mod records;
mod remote_fault;
mod remote_place;
mod stage;
mod stage_key;
mod storage;
mod storage_mode;
mod storage_place;
mod storage_url;
mod stored_file;
mod stored_version;
mod tiered;

pub use self::artifacts::Artifacts;
pub use self::blob::{Blob, SMALL_FILE};
pub use self::disk::DiskStorage;
pub use self::error::{AccessError, StorageError, StorageReport};
pub use self::etag::ETag;
#[cfg(feature = "external")]
pub use self::external::ExternalStorage;
pub use self::file_walk::FileWalk;
pub use self::key::{FileKey, FileKind};
pub use self::link::Link;
pub use self::memory::MemoryStorage;
#[cfg(feature = "mongodb")]
pub use self::mongo::{LateMongo, MongoStorage};
pub use self::object_place::{ObjectPlace, Provider};
pub use self::put::Put;
pub use self::record_name::{RecordName, RecordNameError};
pub use self::records::{MAX_RECORD, Records};
pub use self::remote_fault::RemoteFault;
pub use self::remote_place::{ExternalPlace, MongoPlace};
pub use self::stage::{ReadAt, Stage};
pub use self::storage::Storage;
pub use self::storage_mode::StorageMode;
pub use self::storage_place::StoragePlace;
pub use self::storage_url::StorageUrl;
pub use self::stored_file::StoredFile;
pub use self::stored_version::StoredVersion;
pub use self::tiered::TieredStorage;
