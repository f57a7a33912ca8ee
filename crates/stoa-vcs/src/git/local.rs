//! The folder of a local repository.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::RepoUrl;
use super::session::quote;

/// The file that marks a copy whose history was fetched without trees, or was about to be.
const TREELESS: &str = "stoa-treeless";

/// The file that marks a copy of a server that cannot leave out objects.
const PLAIN: &str = "stoa-plain";

/// The file with the checksum of the refs at the last fetch of the whole history.
const HISTORY: &str = "stoa-history";

/// The file with the names and sizes of the packs after the last fetch.
const NOTED: &str = "stoa-packs";

/// Whether the whole history was fetched, without trees.
pub(super) fn is_treeless(dir: &Path) -> bool {
    dir.join(TREELESS).try_exists().unwrap_or(false)
}

pub(super) fn set_treeless(dir: &Path) -> io::Result<()> {
    fs::write(dir.join(TREELESS), "")
}

/// Whether the server gives only whole repositories.
pub(super) fn is_plain(dir: &Path) -> bool {
    dir.join(PLAIN).try_exists().unwrap_or(false)
}

pub(super) fn set_plain(dir: &Path) -> io::Result<()> {
    fs::write(dir.join(PLAIN), "")
}

/// Whether commits lack their parents.
pub(super) fn is_shallow(dir: &Path) -> bool {
    dir.join("shallow").try_exists().unwrap_or(false)
}

/// Notes that these commits lack their parents. The caller holds the write permit.
pub(super) fn add_shallow(dir: &Path, hashes: &[String]) -> io::Result<()> {
    let path = dir.join("shallow");
    let mut text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read?,
    };
    let before = text.len();
    for hash in hashes {
        if !text.lines().any(|line| line == hash) {
            let _ = writeln!(text, "{hash}");
        }
    }
    if text.len() == before {
        return Ok(());
    }
    let lock = dir.join("shallow.lock");
    fs::write(&lock, text)?;
    fs::rename(lock, path)
}

/// The refs of commits that were fetched without their history.
const ALONE: &str = "refs/stoa/one";

/// Makes a ref for a commit that was fetched: to the commit itself, or to a tag of it.
pub(super) fn set_fetched(dir: &Path, commit: &str, hash: &str) -> io::Result<()> {
    let folder = dir.join(ALONE);
    fs::create_dir_all(&folder)?;
    let lock = folder.join(format!("{commit}.lock"));
    fs::write(&lock, format!("{hash}\n"))?;
    fs::rename(lock, folder.join(commit))
}

/// Up to `most` of the commits that were fetched alone.
pub(super) fn fetched(dir: &Path, most: usize) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir.join(ALONE)) else {
        return Vec::new();
    };
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter(|name| super::refs::is_whole_hash(name))
        .take(most)
        .collect()
}

/// Whether anything was ever fetched.
pub(super) fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir.join("objects/pack")).map_or(true, |mut entries| entries.next().is_none())
}

/// How many packs there are.
pub(super) fn packs(dir: &Path) -> usize {
    indexes(dir).len()
}

/// The indexes of the packs.
pub(super) fn indexes(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir.join("objects/pack")) else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "idx"))
        .collect()
}

/// Whether there is anything at the place of the repository.
pub(super) fn is_there(dir: &Path) -> bool {
    dir.try_exists().unwrap_or(false)
}

/// What can be seen to be wrong with a repository: files that are gone, or not as large as they were.
pub(super) fn damage(dir: &Path) -> Option<String> {
    let size = |name: &str| fs::metadata(dir.join(name)).map(|data| data.len()).ok();
    for name in ["config", "HEAD", "info/attributes"] {
        if size(name).is_none_or(|size| size == 0) {
            return Some(format!("{name} is gone or empty"));
        }
    }
    if size("objects/pack").is_none() {
        return Some("it has no folder for packs".to_owned());
    }
    let noted = fs::read_to_string(dir.join(NOTED)).unwrap_or_default();
    let wrong = noted.lines().find(|line| {
        let (was, name) = line.split_once(' ').unwrap_or_default();
        size(&format!("objects/pack/{name}"))
            .map(|size| size.to_string())
            .as_deref()
            != Some(was)
    });
    wrong.map(|line| format!("not as it was: {line}"))
}

/// Notes which packs there are, and their sizes. The caller holds the write permit.
pub(super) fn note_packs(dir: &Path) -> io::Result<()> {
    let mut text = String::new();
    for index in indexes(dir) {
        if !is_plain(dir) {
            // Mark the pack for git: objects that it refers to may be missing. Git loses the mark when it combines packs.
            let promisor = index.with_extension("promisor");
            File::options().create(true).append(true).open(promisor)?;
        }
        for path in [index.with_extension("pack"), index] {
            let size = path.metadata()?.len();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let _ = writeln!(text, "{size} {name}");
        }
    }
    if fs::read_to_string(dir.join(NOTED)).is_ok_and(|noted| noted == text) {
        return Ok(());
    }
    let lock = dir.join(format!("{NOTED}.lock"));
    fs::write(&lock, text)?;
    fs::rename(lock, dir.join(NOTED))
}

/// Forgets which packs there are: some may go now.
pub(super) fn forget_packs(dir: &Path) -> io::Result<()> {
    match fs::remove_file(dir.join(NOTED)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The checksum of the refs whose whole history is there.
pub(super) fn history(dir: &Path) -> Option<String> {
    fs::read_to_string(dir.join(HISTORY)).ok()
}

pub(super) fn set_history(dir: &Path, sum: &str) -> io::Result<()> {
    fs::write(dir.join(HISTORY), sum)
}

/// Makes an empty bare repository in the empty folder `dir`, as `git init` does.
pub(super) fn fill(dir: &Path, url: &RepoUrl, sha256: bool) -> io::Result<()> {
    for folder in ["objects/info", "objects/pack", "refs", "info"] {
        fs::create_dir_all(dir.join(folder))?;
    }
    let format = i32::from(sha256);
    let mut config = format!("[core]\nrepositoryformatversion = {format}\nbare = true\nfilemode = true\n");
    if sha256 {
        config.push_str("[extensions]\nobjectformat = sha256\n");
    }
    let url = quote(url.as_str())?;
    let _ = write!(config, "[remote \"origin\"]\nurl = {url}\n");
    fs::write(dir.join("config"), config)?;
    // This file has the highest precedence: no file is left out of archives or filled in (golang/go#27153).
    fs::write(dir.join("info/attributes"), "* -export-subst -export-ignore\n")?;
    fs::write(dir.join("HEAD"), "ref: refs/heads/none\n")
}

/// Makes git believe that nothing was fetched. The objects stay and can be read by their hashes. The caller holds the
/// write permit.
pub(super) fn forget(dir: &Path) -> io::Result<()> {
    for file in ["packed-refs", "shallow", HISTORY] {
        match fs::remove_file(dir.join(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::remove_dir_all(dir.join("refs"))?;
    mend(dir)
}

/// Makes a folder a repository to git again after [`forget`] was cut short.
pub(super) fn mend(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir.join("refs"))
}
