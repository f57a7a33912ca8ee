//! What fetches leave on the disk that failed, or that were killed.

use std::fs;
use std::io;
use std::path::Path;

use crate::VcsKind;

/// The file that says whose copy a folder is, and that it is whole.
pub(crate) const MARK: &str = "stoa-copy";

/// How often the removal of a folder is tried.
const TRIES: u32 = 100;

/// Removes a folder into which programs that were just killed may still finish a write. What stays is removed at the next
/// start.
pub(crate) fn remove_unsettled(path: &Path) {
    for _ in 0..TRIES {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => std::thread::yield_now(),
            _ => return,
        }
    }
}

/// Removes from the folder of all repositories what is half-made: of repositories, of their copies, and of what was fetched
/// into them. No process uses any of them. It must not wait until each is asked for again, because the disk may be full.
pub(crate) fn clear(repositories: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(repositories) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().into_string().unwrap_or_default();
        let path = entry.path();
        let system = name.split_once('-').and_then(|(system, _)| system.parse().ok());
        let cleared = match system {
            Some(VcsKind::Git) => tidy_git(&path),
            Some(VcsKind::Svn) => clear_folder(&path, |_| Ok(false)),
            Some(VcsKind::Hg | VcsKind::Bzr | VcsKind::Fossil) => {
                clear_folder(&path, |copy| copy.join(MARK).try_exists())
            }
            None if name.contains('.') => remove(&path),
            None => Ok(()),
        };
        if let Err(error) = cleared {
            // It is tried again when the repository is asked for.
            tracing::warn!(folder = %path.display(), %error, "what is half-made of a repository cannot be removed");
        }
    }
    Ok(())
}

/// Removes all that is in a folder, but what is to be kept.
pub(crate) fn clear_folder(folder: &Path, keep: impl Fn(&Path) -> io::Result<bool>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !keep(&path)? {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

/// Removes what a git that was killed during a fetch has left. The caller holds the write permit.
pub(crate) fn tidy_git(dir: &Path) -> io::Result<()> {
    for (folder, deep) in [
        ("", false),
        ("refs", true),
        ("objects/info", false),
        ("objects/pack", false),
        ("objects", false),
    ] {
        tidy_folder(&dir.join(folder), deep)?;
    }
    Ok(())
}

fn tidy_folder(folder: &Path, deep: bool) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            if deep {
                tidy_folder(&entry.path(), true)?;
            }
        } else if leftover(&name) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether only a running git has files of this name.
fn leftover(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    matches!(ending, "lock" | "keep") || name.starts_with("tmp_") || name.starts_with("shallow_")
}
