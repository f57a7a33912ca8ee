//! Fossil.

mod answers;

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use flate2::read::GzDecoder;

use crate::address::{check_revision, is_plain_path, unknown};
use crate::cache::Cache;
use crate::client::Client;
use crate::local_copy::{Fetch, Folder, LocalCopy, Updated};
use crate::process::{Call, Counters, Stream};
use crate::tar::{PREFIX, TarArchive};
use crate::{
    Archive, KnownContents, Repository, RepositoryOptions, Revision, RevisionId, Step, Tags, VcsError,
    VcsKind,
};
use answers::{is_unknown, is_whole, revision};

/// The file of a copy.
const FILE: &str = "repository.fossil";

/// A repository of Fossil, answered from a local copy.
///
/// A revision string is whatever Fossil knows as the name of a check-in: a tag, a branch, a hash or the beginning of
/// one. The newest commit is that of `trunk`. As in cmd/go no tag is ever listed, and of the 64 digits of a SHA3 hash the
/// first 40, which `fossil info` prints, are the name of a check-in.
///
/// # Deviation
/// * cmd/go takes a folder for a pattern that no file of the folder matches, so that archives of folders are empty.
/// * cmd/go answers `trunk` from an old copy, and takes a program that fails for a revision that does not exist.
#[derive(Debug)]
pub struct FossilRepository {
    client: Client,
    copy: LocalCopy,
}

impl FossilRepository {
    /// The repository at `url`, with its local copy in `cache`. Nothing runs yet.
    ///
    /// # Errors
    /// [`VcsError::Failed`] for an address that `options` does not allow.
    pub fn open(url: &str, cache: Arc<Cache>, options: RepositoryOptions) -> Result<Self, VcsError> {
        let copy = LocalCopy::new(VcsKind::Fossil, url, cache, &options);
        let client = Client::new(VcsKind::Fossil, url, options)?;
        Ok(Self { client, copy })
    }

    /// Where its runs are counted.
    pub fn counters(&self) -> &Arc<Counters> {
        self.client.counters()
    }

    fn call(&self, command: &'static str, step: Step) -> Call {
        let call = self.client.call(command, step);
        // Fossil keeps its configuration in a file in the home, which is the cache's.
        call.env("USER", "stoa")
            .env("FOSSIL_USER", "stoa")
            .args([command])
    }

    /// A question to the copy. It runs in the home, where no name of a revision is that of a file.
    fn ask(&self, folder: &Folder, command: &'static str, step: Step) -> Call {
        let call = self.call(command, step);
        call.args(["-R"]).args([folder.path().join(FILE)])
    }

    async fn info(&self, folder: &Folder, name: &str) -> Result<Revision, VcsError> {
        let call = self.ask(folder, "info", Step::Revision);
        let output = call.args(["--", name]).run().await?;
        match output.code {
            Some(0) => {
                let found = revision(name, &output.stdout)?;
                folder.learn(&found.id);
                Ok(found)
            }
            _ if is_unknown(&output) => Err(unknown(name)),
            _ => Err(self.client.failed(Step::Revision, &output)),
        }
    }
}

impl FossilRepository {
    /// Runs an exchange with the server, whose every answer must have come. Fossil ends with 0 also when none did.
    async fn exchange(&self, call: Call, folder: &Path) -> Result<(), VcsError> {
        let mut output = self.client.fetch(call, folder).await?;
        let is_file = self.client.url().starts_with("file:");
        if output.code == Some(0) && (is_file || is_whole(&output)) {
            return Ok(());
        }
        if output.said.is_empty() {
            "the server did not answer to the end".clone_into(&mut output.said);
        }
        Err(self.client.failed(Step::Access, &output))
    }
}

impl Fetch for FossilRepository {
    async fn make(&self, folder: &Path) -> Result<(), VcsError> {
        let call = self.client.remote(self.call("clone", Step::Access)).await?;
        let call = call.args(["--once", "--no-open", "--verbose", "--", self.client.url()]);
        self.exchange(call.args([folder.join(FILE)]), folder).await
    }

    async fn update(&self, folder: &Path) -> Result<Updated, VcsError> {
        let call = self.client.remote(self.call("pull", Step::Access)).await?;
        let call = call.args([self.client.url()]).args(["--once", "--verbose", "-R"]);
        self.exchange(call.args([folder.join(FILE)]), folder).await?;
        Ok(Updated::Good)
    }

    async fn has(&self, folder: &Folder, at: &RevisionId) -> Result<bool, VcsError> {
        match self.info(folder, at.as_str()).await {
            Ok(_) => Ok(true),
            Err(VcsError::UnknownRevision { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Repository for FossilRepository {
    fn vcs(&self) -> VcsKind {
        VcsKind::Fossil
    }

    fn url(&self) -> &str {
        self.client.url()
    }

    async fn tags(&self, _prefix: &str) -> Result<Tags, VcsError> {
        self.copy.any(self).await?;
        Ok(Tags::default())
    }

    async fn stat(&self, revision: &str) -> Result<Revision, VcsError> {
        check_revision(revision)?;
        // A name that begins with `/`, or leads out of a folder, would be looked for on the disk.
        if revision.starts_with('/') || revision.split('/').any(|part| part == "..") {
            return Err(unknown(revision));
        }
        let name = if revision == "latest" { "trunk" } else { revision };
        let asked = Instant::now();
        let found = self.info(&*self.copy.fresh(self).await?, name).await;
        if let Err(VcsError::UnknownRevision { .. }) = found
            && let Some(newer) = self.copy.newer(asked, self).await?
        {
            return self.info(&newer, name).await;
        }
        found
    }

    async fn latest(&self) -> Result<Revision, VcsError> {
        self.stat("trunk").await
    }

    async fn read_file(&self, at: &RevisionId, path: &str, limit: u64) -> Result<Option<Bytes>, VcsError> {
        if !is_plain_path(path) {
            return Ok(None);
        }
        let folder = self.copy.having(at, self).await?;
        let call = self.ask(&folder, "cat", Step::File).limit(limit);
        let output = call.args(["-r", at.as_str(), "--", path]).run().await?;
        match output.code {
            Some(0) => Ok(Some(output.stdout.into())),
            _ if output.said.contains("does not exist in check-in") => Ok(None),
            _ => Err(self.client.failed(Step::File, &output)),
        }
    }

    async fn archive(&self, at: &RevisionId, subdir: &str, limit: u64) -> Result<Box<dyn Archive>, VcsError> {
        let folder = self.copy.having(at, self).await?;
        let call = self.ask(&folder, "tarball", Step::Archive);
        let call = self.client.archive(call);
        let stream = call
            .args(["--name", PREFIX, "--", at.as_str(), "-"])
            .stream()
            .await?;
        let reader = Box::new(folder.hold(Decompressed(GzDecoder::new(stream))));
        let archive = TarArchive::new(VcsKind::Fossil, reader, subdir, limit);
        Ok(Box::new(archive))
    }

    async fn archive_unless_known(
        &self,
        at: &RevisionId,
        subdir: &str,
        limit: u64,
        _: &dyn KnownContents,
    ) -> Result<Box<dyn Archive>, VcsError> {
        // It has no names for contents.
        self.archive(at, subdir, limit).await
    }

    async fn recent_tag(
        &self,
        _: &RevisionId,
        _: &str,
        _: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Option<String>, VcsError> {
        Ok(None)
    }

    async fn descends_from(&self, _: &RevisionId, _: &str) -> Result<bool, VcsError> {
        Err(VcsError::Unsupported {
            vcs: self.vcs(),
            what: "whether a revision descends from a tag",
        })
    }
}

/// The archive inside of what a program prints compressed. The end is that of the program: after the archive it is read
/// on.
struct Decompressed(GzDecoder<Stream>);

impl Read for Decompressed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            io::copy(self.0.get_mut(), &mut io::sink())?;
        }
        Ok(read)
    }
}
