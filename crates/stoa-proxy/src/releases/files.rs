//! Archives, and what is signed of them.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use stoa_cache::{Flights, Found, LostError};
use stoa_dispatch::Class;
use stoa_fetch::{Context, FetchError, Fetched, ReleaseServer};
use stoa_storage::{Artifacts, Blob, RecordName, Records, Storage};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::{
    index::ReleaseFile,
    metrics::ReleaseMetrics,
    name::ReleaseName,
    pump::{ReleasePump, hex},
};
use crate::{BreakMetrics, Cause, Content, Outcome, ProxyError, growing, transfer::Transfer};

/// So many archives are brought in at a time; more are refused at once.
const FLIGHTS: usize = 64;
/// The largest archive that is taken, whatever an index says, in bytes.
const MAX_ARCHIVE: u64 = 1 << 30;
/// The largest signature, in bytes; they have less than one KiB.
const MAX_SIGNATURE: u64 = 64 << 10;
/// What every signature begins with.
const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
/// An archive up to this size is waited for, in bytes, so that its failure has a status.
const WAITED_FOR: u64 = 1 << 20;

/// Answers archives from storage, and brings in what is not there: once for all who want it.
pub(super) struct Files {
    /// `None` if nobody is asked.
    server: Option<Arc<ReleaseServer>>,
    artifacts: Arc<dyn Artifacts>,
    records: Arc<dyn Records>,
    archives: Flights<ReleaseName, (), Content, ProxyError>,
    signatures: Flights<ReleaseName, (), Bytes, ProxyError>,
    tasks: TaskTracker,
    breaks: BreakMetrics,
    metrics: ReleaseMetrics,
}

impl Files {
    pub(super) fn new(
        server: Option<Arc<ReleaseServer>>,
        storage: &Arc<dyn Storage>,
        (breaks, metrics): (BreakMetrics, ReleaseMetrics),
        tasks: TaskTracker,
    ) -> Self {
        Self {
            server,
            artifacts: storage.artifacts(),
            records: storage.records(),
            archives: Flights::new(tasks.clone(), FLIGHTS),
            signatures: Flights::new(tasks.clone(), FLIGHTS),
            tasks,
            breaks,
            metrics,
        }
    }

    /// The archive, if it is stored.
    pub(super) async fn stored(
        &self,
        name: &ReleaseName,
        file: &ReleaseFile,
    ) -> Result<Option<Blob>, ProxyError> {
        stored(self.artifacts.as_ref(), name, file).await
    }

    /// Brings an archive in, together with all who want it at the same time.
    pub(super) async fn bring_in(
        &self,
        name: &ReleaseName,
        file: &ReleaseFile,
        context: &Context,
    ) -> Result<(Content, Outcome), ProxyError> {
        let (server, sha256) = self.source(name, file)?;
        let work = |()| {
            let incoming = Incoming {
                server: Arc::clone(server),
                artifacts: Arc::clone(&self.artifacts),
                name: name.clone(),
                file: file.clone(),
                sha256,
                tasks: self.tasks.clone(),
                breaks: self.breaks.clone(),
                metrics: self.metrics.clone(),
            };
            let context = context.shared(Class::Interactive.into());
            async move { incoming.begin(&context).await }.in_current_span()
        };
        let keep = |content, key| {
            if let Content::Growing(growing) = content {
                growing.attach(key);
            }
        };
        let flight = match self.archives.join_keeping(name, || None, || (), work, keep)? {
            Found::Flight(flight) => flight,
            Found::Value(content) => return Ok((content, Outcome::Hit)),
        };
        let landed = flight.wait().await.map_err(lost)?;
        let content = landed.result?;
        if let Content::Growing(growing) = &content {
            growing.larger_than(WAITED_FOR).await?;
        }
        let outcome = match (&content, landed.joined) {
            (Content::Stored(_), _) => Outcome::Hit,
            (_, true) => Outcome::Coalesced,
            (_, false) => Outcome::Miss,
        };
        Ok((content, outcome))
    }

    /// Who is asked for an archive, and what it is held against; an error if it is not to be had.
    pub(super) fn source(
        &self,
        name: &ReleaseName,
        file: &ReleaseFile,
    ) -> Result<(&Arc<ReleaseServer>, [u8; 32]), ProxyError> {
        let server = self.server(name)?;
        let Some(sha256) = file.sha256 else {
            let reason =
                format!("{name} is refused: the index of releases has no SHA-256 to hold it against");
            return Err(FetchError::Refused { reason }.into());
        };
        if file.len > MAX_ARCHIVE {
            let (len, max) = (file.len, MAX_ARCHIVE);
            let reason = format!("its index says that {name} has {len} bytes, and {max} are taken at most");
            return Err(ProxyError::invalid(server.name(), reason));
        }
        Ok((server, sha256))
    }

    /// The signature of an archive that there is.
    pub(super) async fn signature(
        &self,
        name: &ReleaseName,
        context: &Context,
    ) -> Result<(Bytes, Outcome), ProxyError> {
        let record = record(&format!("{name}.asc"))?;
        if let Some(kept) = self.records.read(&record).await? {
            return Ok((kept, Outcome::Hit));
        }
        let server = self.server(&format!("{name}.asc"))?;
        let work = |()| {
            let (server, records) = (Arc::clone(server), Arc::clone(&self.records));
            let (file, metrics, context) = (
                format!("{name}.asc"),
                self.metrics.clone(),
                context.shared(Class::Interactive.into()),
            );
            async move {
                let read = server.small_file(&file, MAX_SIGNATURE, &context).await;
                metrics.answered("release_signature", &read);
                let signature = read?;
                if !signature.starts_with(SIGNATURE) {
                    return Err(ProxyError::invalid(
                        server.name(),
                        format!("{file} is no signature"),
                    ));
                }
                records.write(&record, signature.clone()).await?;
                Ok(signature)
            }
            .in_current_span()
        };
        let landed = self
            .signatures
            .join(name, || (), work)?
            .wait()
            .await
            .map_err(lost)?;
        Ok((landed.result?, Outcome::Miss))
    }

    fn server(&self, what: &impl fmt::Display) -> Result<&Arc<ReleaseServer>, ProxyError> {
        let missing = || Cause::NotStored {
            what: format!("dl/{what}"),
        };
        self.server.as_ref().ok_or_else(|| missing().into())
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("server", &self.server)
            .field("archives", &self.archives)
            .finish_non_exhaustive()
    }
}

/// An archive that is to be brought in.
struct Incoming {
    server: Arc<ReleaseServer>,
    artifacts: Arc<dyn Artifacts>,
    name: ReleaseName,
    file: ReleaseFile,
    sha256: [u8; 32],
    tasks: TaskTracker,
    breaks: BreakMetrics,
    metrics: ReleaseMetrics,
}

impl Incoming {
    /// Asks the server, and begins the transfer.
    async fn begin(self, context: &Context) -> Result<Content, ProxyError> {
        // An earlier flight may have landed just now.
        if let Some(blob) = stored(self.artifacts.as_ref(), &self.name, &self.file).await? {
            return Ok(Content::Stored(blob));
        }
        let asked = self.ask(context).await;
        if asked.is_err() {
            self.metrics.fetched("release_archive", &asked);
        }
        let fetched = asked?;
        let stage = self.artifacts.stage(&artifact(&self.name)?).await?;
        let (writer, growing) = growing(Some(self.file.len), stage.reader());
        let (metrics, pump) = (
            self.metrics,
            ReleasePump {
                name: self.name,
                sha256: self.sha256,
                len: self.file.len,
            },
        );
        let transfer = async move {
            let result = pump.run(fetched, stage, writer).await;
            metrics.fetched("release_archive", &result);
        };
        self.tasks.spawn(transfer.in_current_span());
        Ok(Content::Growing(growing))
    }

    /// The answer of the server, which goes on where it breaks off.
    async fn ask(&self, context: &Context) -> Result<Fetched, ProxyError> {
        let (server, name, limit) = (&self.server, &self.name, self.file.len);
        let deadline = Instant::now() + server.total();
        let mut fetched = match server.file(name.as_str(), limit, context).await {
            // The index has it, so that the server contradicts itself: that is no reason to tell anybody that there is none.
            Err(FetchError::NotFound(_)) => Err(ProxyError::invalid(
                server.name(),
                format!("its index has {name}, and it says that there is none"),
            )),
            asked => asked.map_err(ProxyError::from),
        }?;
        if let Some(len) = fetched.len.filter(|len| *len != limit) {
            let reason = format!("{name} has {len} bytes, and the index says {limit}; not stored");
            return Err(ProxyError::invalid(server.name(), reason));
        }
        let Some(rest) = fetched.rest.take() else {
            return Ok(fetched);
        };
        let (slot, len, source_name) = (fetched.slot.take(), fetched.len, fetched.source_name.clone());
        let breaks = self.breaks.clone();
        let ended = move |is_saved| breaks.count("release_archive", is_saved);
        let transfer = Transfer::new(fetched, rest, deadline, Box::new(ended));
        let pieces = stream::unfold(transfer, async |mut transfer| {
            let piece = transfer.next().await?;
            Some((piece, transfer))
        });
        let fetched = Fetched::new(source_name, len, limit, pieces.boxed())?;
        Ok(Fetched { slot, ..fetched })
    }
}

/// The archive, if it is stored. One of another length is not what the index means.
async fn stored(
    artifacts: &dyn Artifacts,
    name: &ReleaseName,
    file: &ReleaseFile,
) -> Result<Option<Blob>, ProxyError> {
    let blob = artifacts.open(&artifact(name)?).await?;
    if let Some(blob) = blob.as_ref().filter(|blob| blob.len() != file.len) {
        let (len, want) = (blob.len(), file.len);
        let sum = file.sha256.as_ref().map(|sum| hex(sum)).unwrap_or_default();
        tracing::error!(%name, len, want, sum, "a stored release archive is not the one of the index");
        return Err(ProxyError::internal(format!(
            "the stored {name} has {len} bytes, and the index says {want}: remove dl/{name} from the storage if the index is right"
        )));
    }
    Ok(blob)
}

/// The name of an archive among artifacts.
fn artifact(name: &ReleaseName) -> Result<RecordName, ProxyError> {
    record(name.as_str())
}

fn record(name: &str) -> Result<RecordName, ProxyError> {
    let name = format!("dl/{name}").parse();
    name.map_err(|error: stoa_storage::RecordNameError| ProxyError::internal(error.to_string()))
}

fn lost(_: LostError) -> ProxyError {
    ProxyError::internal("the fetch panicked or was dropped; see the log")
}
