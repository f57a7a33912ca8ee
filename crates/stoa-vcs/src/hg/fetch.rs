//! Fetching from a Mercurial repository, and the checksum of all that it names.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::HgRepository;
use super::answers::{self, is_unknown, rev, template, whole};
use crate::local_copy::{Fetch, Folder, Updated};
use crate::{RevisionId, Step, VcsError, VcsKind};

impl HgRepository {
    /// Fetches what is new. Over HTTP twice: hg does not notice when a web server, or one on the way, sends a list of features
    /// or heads that is cut off, and takes what is not in it for not there. It comes the second time, or that fails.
    async fn pull(&self, folder: &Path) -> Result<(), VcsError> {
        self.pull_once("pull", folder).await?;
        if self.client.url().starts_with("http") {
            self.pull_once("pull-again", folder).await?;
        }
        Ok(())
    }

    async fn pull_once(&self, kind: &'static str, folder: &Path) -> Result<(), VcsError> {
        // With force: the repository may have been replaced by one without common commits.
        let call = self.call(kind, Step::Access).dir(folder);
        let call = self.client.remote(call).await?;
        let call = call.args(["pull", "-q", "-f", "--", self.client.url()]);
        let output = self.client.fetch(call, folder).await?;
        match output.code {
            // 1 says that there was nothing to be pulled, or that it could not be merged into a working tree.
            Some(0 | 1) => Ok(()),
            _ => Err(self.client.failed(Step::Access, &output)),
        }
    }

    /// A checksum over the heads of all branches and over all bookmarks, as cmd/go computes it.
    pub(super) async fn repo_sum(&self, folder: &Folder) -> Result<String, VcsError> {
        let call = self.ask(folder, "heads", Step::Access);
        let call = call.args(["heads", "--closed"]);
        let output = call.args(template("{rev}\\n{branch}\\n{node}\\n")).run().await?;
        let heads = match output.code {
            Some(0) => by_name(whole(Step::Access, &output.stdout)?)?,
            // It says that there are none.
            Some(1) if output.stdout.is_empty() => Named::new(),
            _ => return Err(self.client.failed(Step::Access, &output)),
        };
        let call = self.ask(folder, "bookmarks", Step::Access);
        let call = call.args(["log", "--rev=bookmark()"]);
        let call = call.args(template("{bookmarks % \"0\\n{bookmark}\\n{node}\\n\"}"));
        let bookmarks = by_name(whole(Step::Access, &call.text().await?)?)?;

        let mut sum = Sha256::new();
        for (branch, mut heads) in heads {
            heads.sort();
            sum.update(&branch);
            for (_, node) in heads {
                sum.update(b" ");
                sum.update(answers::unhex(&node).unwrap_or_default());
            }
            sum.update(b"\n");
        }
        for (bookmark, nodes) in bookmarks {
            for (_, node) in nodes {
                sum.update(&bookmark);
                sum.update(format!("={node}\n"));
            }
        }
        Ok(format!("r1:{}", STANDARD.encode(sum.finalize())))
    }
}

/// Names with the numbers and hashes of commits, of three lines for each.
type Named = BTreeMap<Vec<u8>, Vec<(u64, String)>>;

fn by_name(printed: &[u8]) -> Result<Named, VcsError> {
    let mut named = Named::new();
    let lines: Vec<&[u8]> = printed.split(|&byte| byte == b'\n').collect();
    for three in lines.chunks_exact(3) {
        let [number, name, node] = [three[0], three[1], three[2]];
        let text = |bytes| std::str::from_utf8(bytes).ok();
        let commit = text(number)
            .and_then(|number| number.parse().ok())
            .zip(text(node));
        let (number, node) = commit.ok_or_else(|| VcsError::Failed {
            vcs: VcsKind::Hg,
            step: Step::Access,
            said: format!("hg printed something else than heads: {}", answers::shown(name)),
        })?;
        named
            .entry(name.to_vec())
            .or_default()
            .push((number, node.to_owned()));
    }
    Ok(named)
}

impl Fetch for HgRepository {
    async fn make(&self, folder: &Path) -> Result<(), VcsError> {
        let call = self.call("init", Step::Access).dir(folder);
        call.args(["init", "."]).text().await?;
        self.pull(folder).await
    }

    async fn update(&self, folder: &Path) -> Result<Updated, VcsError> {
        self.pull(folder).await?;
        // Commits that only the copy has were taken away at the server; tags in them would stay tags.
        let call = self.call("outgoing", Step::Access).dir(folder);
        let call = self.client.remote(call).await?;
        let call = call
            .time(self.client.options().fetch_time)
            .args(["outgoing", "-q", "-l1", "--", self.client.url()])
            .limit(1 << 20);
        let output = call.run().await?;
        match output.code {
            Some(1) => Ok(Updated::Good),
            Some(0) => Ok(Updated::Outdated),
            _ => Err(self.client.failed(Step::Access, &output)),
        }
    }

    async fn has(&self, folder: &Folder, at: &RevisionId) -> Result<bool, VcsError> {
        let call = self.ask(folder, "has", Step::Revision);
        let call = call.args(["log", "-l1", &rev(at.as_str())]);
        let output = call.args(template("{node}")).run().await?;
        match output.code {
            Some(0) => Ok(whole(Step::Revision, &output.stdout)? == at.as_str().as_bytes()),
            _ if is_unknown(&output) => Ok(false),
            _ => Err(self.client.failed(Step::Revision, &output)),
        }
    }
}
