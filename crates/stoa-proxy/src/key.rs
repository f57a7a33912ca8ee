//! Where an immutable answer is stored.

use stoa_module::Resource;
use stoa_storage::{FileKey, FileKind};

/// The stored file that answers `resource`; `None` for what may change.
pub fn file_key(resource: &Resource) -> Option<FileKey> {
    let (target, kind) = match resource {
        Resource::List(_) | Resource::Latest(_) | Resource::Query(..) => return None,
        Resource::Info(target) => (target, FileKind::Info),
        Resource::Mod(target) => (target, FileKind::Mod),
        Resource::Zip(target) => (target, FileKind::Zip),
    };
    Some(FileKey::new(target.clone(), kind))
}
