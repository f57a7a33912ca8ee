//! Where an answer comes from, as `.info` tells it.

use crate::{Version, json::Object};

/// The provenance of an answer (`Origin` of cmd/go's codehost). What is empty is left out of its JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The version control system, as the go command calls it: `git`, `hg`.
    pub vcs: String,
    /// The URL of the repository, without credentials.
    pub url: String,
    /// The folder of the module in it, without the folder of a major version.
    pub subdir: String,
    /// The whole name of the commit; empty for svn and bzr, and where no commit decided.
    pub hash: String,
    /// What the tags begin with that decided the answer.
    pub tag_prefix: String,
    /// A checksum over those tags and what they name: `t1:` and base64. Empty where no tags decided, and for systems
    /// whose lists of tags do not say what they name.
    pub tag_sum: String,
    /// The ref that named the commit.
    pub reference: String,
    /// A checksum over the whole repository, where tags decided and [`Origin::tag_sum`] cannot tell: `r1:` and base64.
    pub repo_sum: String,
}

impl Origin {
    /// Without what may change while the version stays: what the go command keeps of the `.info` of a version
    /// (`writeDiskStat`).
    #[must_use]
    pub fn pinned(mut self, version: &Version) -> Self {
        self.tag_prefix.clear();
        self.tag_sum.clear();
        self.repo_sum.clear();
        if version.is_pseudo() {
            self.reference.clear();
        }
        self
    }

    /// The JSON of Go's encoder.
    pub fn to_json(&self) -> String {
        let mut json = Object::new();
        json.text("VCS", &self.vcs);
        for (name, value) in [
            ("URL", &self.url),
            ("Subdir", &self.subdir),
            ("Hash", &self.hash),
            ("TagPrefix", &self.tag_prefix),
            ("TagSum", &self.tag_sum),
            ("Ref", &self.reference),
            ("RepoSum", &self.repo_sum),
        ] {
            if !value.is_empty() {
                json.text(name, value);
            }
        }
        json.finish()
    }
}
