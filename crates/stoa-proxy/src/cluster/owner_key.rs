//! What a node of a cluster owns.

use std::fmt;

use sha2::{Digest, Sha256};
use stoa_module::{ModulePath, ModuleVersion, Resource};
use stoa_sumdb::RemotePath;

/// What one node of a cluster brings in for all of them: all files of a module version, since a repository is read once
/// for them; what may change of a module; or one file of a checksum database.
///
/// Its text is hashed, so that it is a part of what nodes of different versions must agree about: `path@version`, `path`,
/// `sumdb/NAME/path`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OwnerKey(String);

impl OwnerKey {
    /// The key of a resource.
    pub fn of(resource: &Resource) -> Self {
        match resource {
            Resource::List(module) | Resource::Latest(module) | Resource::Query(module, _) => {
                Self::of_module(module)
            }
            Resource::Info(target) | Resource::Mod(target) | Resource::Zip(target) => {
                Self::of_version(target)
            }
        }
    }

    /// The key of what may change of a module.
    pub fn of_module(module: &ModulePath) -> Self {
        Self(module.to_string())
    }

    /// The key of all files of a version.
    pub fn of_version(target: &ModuleVersion) -> Self {
        Self(target.to_string())
    }

    /// The key of a file of a checksum database.
    pub fn of_database(name: &str, path: &RemotePath) -> Self {
        Self(format!("sumdb/{name}/{path}"))
    }

    /// The key of anything else that is spread over servers.
    pub fn of_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// How much a node wants this key: the one that wants it most owns it (rendezvous hashing). A node of twice the weight
    /// owns twice as many keys. When a node comes, the keys that it owns move, and no others; when it goes, they move to
    /// those who wanted them next.
    ///
    /// The number is the same in every version: the first 53 bits of SHA-256 over the id, a zero byte and the key, as a
    /// fraction f, and then -weight / ln(f).
    pub(crate) fn wanted_by(&self, node: &str, weight: f64) -> f64 {
        let mut hash = Sha256::new();
        hash.update(node.as_bytes());
        hash.update([0]);
        hash.update(self.0.as_bytes());
        let digest = hash.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        let bits = u64::from_be_bytes(first) >> 11;
        #[expect(clippy::cast_precision_loss, reason = "53 bits are what an f64 holds")]
        let fraction = (bits as f64 + 0.5) / (1_u64 << 53) as f64;
        -weight / fraction.ln()
    }
}

impl fmt::Display for OwnerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
