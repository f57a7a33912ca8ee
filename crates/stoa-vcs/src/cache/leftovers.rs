//! What killed processes have left of fetches.

use std::fs;
use std::io;
use std::path::Path;

use super::files;
use crate::{VcsKind, git, local_copy, svn};

/// Removes from the folder of all repositories what is half-made: of repositories, of their copies, and of what was fetched
/// into them. No process uses any of them. It must not wait until each is asked for again, because the disk may be full.
pub(super) fn clear(repositories: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(repositories) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().into_string().unwrap_or_default();
        let path = entry.path();
        if name.is_empty() || name.contains('.') {
            files::remove(&path)?;
            continue;
        }
        let system = name.split_once('-').and_then(|(system, _)| system.parse().ok());
        let cleared = match system {
            Some(VcsKind::Git) => git::tidy(&path),
            Some(VcsKind::Svn) => svn::sweep(&path),
            Some(VcsKind::Hg | VcsKind::Bzr | VcsKind::Fossil) => local_copy::clear(&path),
            None => Ok(()),
        };
        if let Err(error) = cleared {
            // It is tried again when the repository is asked for.
            tracing::warn!(folder = %path.display(), %error, "what is half-made of a repository cannot be removed");
        }
    }
    Ok(())
}
