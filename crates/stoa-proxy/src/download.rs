//! Brings one version into storage, whole.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use stoa_fetch::{Context, Question, SourceName};
use stoa_module::{
    ModuleVersion, Resource,
    dirhash::{H1, go_mod_h1},
};
use stoa_storage::Storage;
use stoa_sumdb::SumFile;

use crate::{
    Content, ModuleQuery, Protocol, ProxyError, QueryError, Sums, parse_info, small_file::small_file,
};

/// The module of Go's own toolchains. The go command always looks it up in the checksum database, also where it has a line of
/// go.sum or is told to verify nothing.
const TOOLCHAIN: &str = "golang.org/toolchain";

/// Downloads modules as `go mod download` does: `.info`, `.mod` and `.zip`, each through the pipelines, so that what was
/// downloaded is stored and verified.
#[derive(Clone)]
pub struct Download {
    protocol: Arc<dyn Protocol>,
    storage: Arc<dyn Storage>,
    sums: Option<Arc<dyn Sums>>,
}

/// A step of a download, told when it has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownloadEvent {
    /// The versions that the query chooses from are known.
    Listed {
        /// How many there are.
        versions: usize,
    },
    /// It is known which version is meant.
    Resolved {
        /// The version.
        target: ModuleVersion,
        /// What was answered to the query: the `.info`, or that of the branch or hash.
        info: Bytes,
    },
    /// The `.info` and the go.mod are stored.
    GoMod {
        /// The hash of the go.mod, as go.sum has it.
        h1: H1,
    },
    /// The zip has begun to arrive. Not told of a zip that is stored already.
    ZipStarted {
        /// Its length in bytes, where the source told it.
        total: Option<u64>,
    },
    /// More of the zip has arrived.
    ZipArrived {
        /// How many bytes there are by now.
        bytes: u64,
    },
    /// The whole version is stored.
    Stored,
}

/// A version that is stored, whole.
#[derive(Clone, Debug)]
pub struct Downloaded {
    /// Which one.
    pub target: ModuleVersion,
    /// The hash of the zip, as go.sum has it, where the storage keeps one.
    pub h1: Option<H1>,
}

impl Download {
    /// Downloads through `protocol` what ends in `storage`.
    pub fn new(protocol: Arc<dyn Protocol>, storage: Arc<dyn Storage>) -> Self {
        Self {
            protocol,
            storage,
            sums: None,
        }
    }

    /// The same, which sees to it that what is recorded of a toolchain is kept, whenever that was stored: without its record
    /// no client takes it, and when the database is away there is nobody else to tell.
    #[must_use]
    pub fn with_sums(self, sums: Arc<dyn Sums>) -> Self {
        Self {
            sums: Some(sums),
            ..self
        }
    }

    /// Downloads what `query` means, and tells `listen` of each step. Dropping the future stops the steps, but no transfer
    /// that has begun.
    ///
    /// # Errors
    /// What kept one of the three files from being stored.
    pub async fn run(
        &self,
        query: &ModuleQuery,
        context: &Context,
        mut listen: impl FnMut(DownloadEvent) + Send,
    ) -> Result<Downloaded, QueryError> {
        let protocol = self.protocol.as_ref();
        let ask = |resource| Question::new(resource, context.clone());
        let resolved = query.resolve(protocol, context).await?;
        if let Some(versions) = resolved.listed {
            listen(DownloadEvent::Listed { versions });
        }
        let question = ask(resolved.resource);
        let info = small_file(protocol, &question).await?;
        let parsed = parse_info(query.path(), &info).map_err(QueryError::Info)?;
        let target = parsed.target;
        listen(DownloadEvent::Resolved {
            target: target.clone(),
            info,
        });
        if question.resource != Resource::Info(target.clone()) {
            // A query's answer is not kept; the version's own .info is.
            small_file(protocol, &ask(Resource::Info(target.clone()))).await?;
        }
        let go_mod = small_file(protocol, &ask(Resource::Mod(target.clone()))).await?;
        let go_mod_h1 = go_mod_h1(&go_mod);
        listen(DownloadEvent::GoMod { h1: go_mod_h1 });
        self.zip(&ask(Resource::Zip(target.clone())), &mut listen).await?;
        let h1 = self.storage.h1(&target).await.map_err(ProxyError::from)?;
        self.record(&target, go_mod_h1, h1).await?;
        listen(DownloadEvent::Stored);
        Ok(Downloaded { target, h1 })
    }

    /// Has what is recorded of a toolchain kept, and holds what is stored against it.
    async fn record(
        &self,
        target: &ModuleVersion,
        go_mod_h1: H1,
        zip_h1: Option<H1>,
    ) -> Result<(), ProxyError> {
        let Some(sums) = self.sums.as_ref().filter(|_| target.path().as_str() == TOOLCHAIN) else {
            return Ok(());
        };
        let expected = sums.expected(target).await?;
        let stored = SourceName::new("the storage");
        expected.check(SumFile::GoMod, go_mod_h1, &stored)?;
        match zip_h1 {
            Some(h1) => expected.check(SumFile::Zip, h1, &stored),
            None => Ok(()),
        }
    }

    /// Waits until the zip is stored.
    async fn zip(
        &self,
        question: &Question,
        listen: &mut (impl FnMut(DownloadEvent) + Send),
    ) -> Result<(), ProxyError> {
        let answer = self.protocol.get(question).await?;
        let Content::Growing(growing) = &answer.content else {
            return Ok(());
        };
        let total = growing.total();
        listen(DownloadEvent::ZipStarted { total });
        let arrived = |bytes| listen(DownloadEvent::ZipArrived { bytes });
        growing.ended_telling(arrived).await
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Download({})", self.protocol)
    }
}
