//! `[jobs]`.

use std::{path::PathBuf, time::Duration};

use stoa_config::{
    Key, Reader, Section, Table,
    values::{ByteSize, boolean, bound, count, duration},
};

use super::{
    aggregations::{AGGREGATION, ConfiguredLimits},
    headers::Headers,
    job_redis::{self, RedisConfig},
    job_store::JobStore,
    private_file::private_file,
};

const STORE: Key = Key::new(
    "store",
    "file:",
    "where jobs are kept: file: (in the storage), file:///DIR, redis://HOST:PORT/DB for several servers, or memory: for none \
     that outlive the server",
)
.secret();
const WORKERS: Key = Key::new(
    "workers",
    "16",
    "how many jobs of a kind run at a time on this server; 0 leaves them to `stoa worker`",
);
const LEASE: Key = Key::new(
    "lease",
    "60s",
    "how long a server may be silent before its jobs are taken for lost",
);
const MAX_ASYNC: Key = Key::new(
    "max_async",
    "1000",
    "how many modules may be on their way here for clients that do not wait ([[mode]] async)",
);
const KEEP_OK: Key = Key::new("keep_ok", "24h", "how long a job that is done is kept");
const KEEP_FAILED: Key = Key::new(
    "keep_failed",
    "30d",
    "how long a job that failed or was cancelled is kept",
);

const DOWNLOADS: Key = Key::new(
    "downloads",
    "",
    "directory of what is downloaded by jobs of URLs; without it, none are taken",
);
const DOWNLOAD_URL: Key = Key::new(
    "download_url",
    "",
    "where that directory is served; callbacks say it of their files",
);
const MAX_DOWNLOAD: Key = Key::new("max_download", "10GiB", "largest file that is downloaded");
const MIN_FREE: Key = Key::new("min_free", "1GiB", "with less free than this, no download starts");
const FULL_AT: Key = Key::new(
    "full_at",
    "95",
    "from how many percent of its bytes or inodes in use on a disk is full, and no download starts",
);
const ALLOW_PRIVATE: Key = Key::new(
    "allow_private_addresses",
    "false",
    "whether downloads and callbacks may reach loopback and private ranges",
);
const CALLBACK_SECRET: Key = Key::new(
    "callback_secret_file",
    "",
    "file with the secret that callbacks are signed with",
);
const KAFKA: Key = Key::new(
    "kafka_file",
    "",
    "file with the settings of librdkafka, a NAME=VALUE a line; without it, nobody is told over Kafka",
);

const DELETE_AFTER: Key = Key::new(
    "delete_after",
    "",
    "how long after a callback has told of a file it is deleted; without it, files are kept",
);
const HEADERS: Key = Key::new(
    "headers",
    "",
    "header fields of all downloads, one in a line, such as User-Agent: mirror/1",
)
.secret();
const HEARTBEAT_FILE: Key = Key::new(
    "heartbeat_file",
    "",
    "while this file exists, GET /hb answers 503, so that a balancer sends nothing more",
);

const JOBS: Table = Table::once(
    "jobs",
    &[
        STORE,
        job_redis::PREFIX,
        job_redis::TIMEOUT,
        job_redis::PASSWORD_FILE,
        job_redis::SENTINEL_PASSWORD_FILE,
        job_redis::CA,
        WORKERS,
        LEASE,
        MAX_ASYNC,
        KEEP_OK,
        KEEP_FAILED,
        DOWNLOADS,
        DOWNLOAD_URL,
        DELETE_AFTER,
        HEADERS,
        HEARTBEAT_FILE,
        MAX_DOWNLOAD,
        MIN_FREE,
        FULL_AT,
        ALLOW_PRIVATE,
        CALLBACK_SECRET,
        KAFKA,
    ],
);

/// The shortest lease: renewing it takes a write for each job several times in that time.
const SHORTEST_LEASE: Duration = Duration::from_secs(5);

/// How durable jobs are kept and run.
#[derive(Clone, Debug)]
pub(crate) struct JobsConfig {
    pub(crate) store: JobStore,
    pub(crate) redis: RedisConfig,
    pub(crate) limits: ConfiguredLimits,
    pub(crate) workers: usize,
    pub(crate) lease: Duration,
    /// Open jobs of modules with an asynchronous mode.
    pub(crate) max_async: usize,
    pub(crate) keep_ok: Duration,
    pub(crate) keep_failed: Duration,
    /// Where downloads go; without it there are none.
    pub(crate) downloads: Option<PathBuf>,
    /// The URL of that directory.
    pub(crate) download_url: String,
    /// When files are deleted that somebody was told of; without it they are not.
    pub(crate) delete_after: Option<Duration>,
    /// Of all downloads.
    pub(crate) headers: Headers,
    pub(crate) heartbeat_file: Option<PathBuf>,
    /// In bytes.
    pub(crate) max_download: u64,
    /// In bytes.
    pub(crate) min_free: u64,
    /// In percent.
    pub(crate) full_at: f64,
    pub(crate) allow_private_addresses: bool,
    pub(crate) callback_secret_file: Option<PathBuf>,
    /// Set only where the binary has Kafka.
    #[cfg_attr(
        not(feature = "kafka"),
        allow(dead_code, reason = "without Kafka, it is never set")
    )]
    pub(crate) kafka_file: Option<PathBuf>,
}

impl Section for JobsConfig {
    const TABLES: &'static [Table] = &[JOBS, AGGREGATION];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut table = reader.once(&JOBS);
        let store = table.value_shown(&STORE, str::parse::<JobStore>, JobStore::shown);
        let workers = table.value(&WORKERS, count);
        let lease = table.value(&LEASE, lease);
        let max_async = table.value(&MAX_ASYNC, bound);
        let keep_ok = table.value(&KEEP_OK, duration);
        let keep_failed = table.value(&KEEP_FAILED, duration);
        let downloads = table.value(&DOWNLOADS, absolute);
        let download_url = table.value(&DOWNLOAD_URL, base_url);
        let delete_after = table.value(&DELETE_AFTER, |text| match text {
            "" => Ok(None),
            text => duration(text).map(Some),
        });
        let headers = table.value_shown(&HEADERS, str::parse::<Headers>, Headers::shown);
        let heartbeat_file = table.value(&HEARTBEAT_FILE, absolute);
        let max_download = table.value(&MAX_DOWNLOAD, str::parse::<ByteSize>);
        let min_free = table.value(&MIN_FREE, str::parse::<ByteSize>);
        let full_at = table.value(&FULL_AT, percent);
        let allow_private_addresses = table.value(&ALLOW_PRIVATE, boolean);
        let callback_secret_file = table.value(&CALLBACK_SECRET, secret_file);
        let kafka_file = table.value(&KAFKA, kafka_file);
        let redis = RedisConfig::read(&mut table, store.as_ref());
        let limits = ConfiguredLimits::read(reader);
        Some(Self {
            limits: limits?,
            store: store?,
            redis: redis?,
            workers: workers?,
            lease: lease?,
            max_async: max_async?,
            keep_ok: keep_ok?,
            keep_failed: keep_failed?,
            downloads: downloads?,
            download_url: download_url?,
            delete_after: delete_after?,
            headers: headers?,
            heartbeat_file: heartbeat_file?,
            max_download: max_download?.0,
            min_free: min_free?.0,
            full_at: full_at?,
            allow_private_addresses: allow_private_addresses?,
            callback_secret_file: callback_secret_file?,
            kafka_file: kafka_file?,
        })
    }
}

/// A path that does not depend on where the server is started.
fn absolute(text: &str) -> Result<Option<PathBuf>, String> {
    match text {
        "" => Ok(None),
        text if text.starts_with('/') => Ok(Some(text.into())),
        _ => Err(format!("{text:?} is no absolute path")),
    }
}

/// A file that nobody else reads.
fn secret_file(text: &str) -> Result<Option<PathBuf>, String> {
    let file = absolute(text)?;
    file.as_deref().map(private_file).transpose()?;
    Ok(file)
}

fn kafka_file(text: &str) -> Result<Option<PathBuf>, String> {
    if !text.is_empty() && !cfg!(feature = "kafka") {
        return Err(
            "this binary was built without Kafka: build it with --features kafka or kafka-tls".to_owned(),
        );
    }
    secret_file(text)
}

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.parse().ok().filter(|percent| (1..=100).contains(percent));
    let percent: u8 = percent.ok_or_else(|| format!("{text:?} is no number from 1 to 100"))?;
    Ok(percent.into())
}

fn base_url(text: &str) -> Result<String, String> {
    if text.is_empty() || text.starts_with("http://") || text.starts_with("https://") {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is no URL: write https://HOST/PATH"))
}

fn lease(text: &str) -> Result<Duration, String> {
    let lease = duration(text)?;
    if lease < SHORTEST_LEASE {
        return Err(format!(
            "a lease of {text} is too short to be renewed in time; write {SHORTEST_LEASE:?} or more"
        ));
    }
    Ok(lease)
}
