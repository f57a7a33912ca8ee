//! What things are called in the URLs of the protocol.

use stoa_module::{ModulePath, ModuleVersion, Version};

use crate::key::FileKey;

/// `/<module>/@v/<version>.<end>`, with both escaped.
///
/// Athens' own client escapes the module only, so that a version with a capital letter (a tag such as `v1.0.0-RC1`)
/// reaches servers as it is. Those that decode both, as the GOPROXY protocol has it, refuse that; those that decode the
/// module only take the escaped text for the version, and find it again by the same text. So both are escaped here.
pub(super) fn of_version(target: &ModuleVersion, end: &str) -> String {
    let (module, version) = (target.path().escaped(), target.version().escaped());
    format!("/{module}/@v/{version}.{end}")
}

/// Where a file is read.
pub(super) fn of_file(key: &FileKey) -> String {
    of_version(&key.target, key.kind.suffix())
}

/// Where the versions of a module are listed. Athens' helper looks for the module under this text without decoding it, so
/// a module with capitals has a second place, where only such a server has something.
pub(super) fn of_lists(module: &ModulePath) -> Vec<String> {
    let (escaped, plain) = (module.escaped(), module.as_str());
    let mut places = vec![format!("/{escaped}/@v/list")];
    if escaped != plain {
        places.push(format!("/{plain}/@v/list"));
    }
    places
}

/// The version that a server calls so, which may or may not have decoded what it was sent.
pub(super) fn version(text: &str) -> Option<Version> {
    let text = text.trim();
    text.parse().ok().or_else(|| Version::unescape(text).ok())
}

/// The module version that an entry of a catalog names.
pub(super) fn target(module: &str, at: &str) -> Option<ModuleVersion> {
    let path = module
        .parse()
        .ok()
        .or_else(|| ModulePath::unescape(module).ok())?;
    ModuleVersion::new(path, version(at)?).ok()
}
