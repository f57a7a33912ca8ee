//! The folder of files that are being downloaded.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::partial::{Partial, lock};
use crate::{JobId, Lease};

/// The folder of files that are being downloaded: `ID.part` with `ID.json` beside it, and `ID.EPOCH.part` for a run that found
/// the first one in the hands of an earlier run of the same job. Its calls may block.
#[derive(Clone, Debug)]
pub(crate) struct Partials {
    folder: PathBuf,
}

impl Partials {
    /// The folder, which is made if it is not there.
    pub(crate) fn new(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// A file for this run. An earlier run may still write to the file of the job, because its node has not learnt yet that
    /// its lease has ended; then the run gets a file of its own.
    pub(crate) fn open(&self, id: &JobId, lease: &Lease, fingerprint: &str) -> io::Result<Partial> {
        let of_job = self.folder.join(format!("{id}.part"));
        let control = self.folder.join(format!("{id}.json"));
        if let Some(partial) = Partial::open(&of_job, Some(control), fingerprint)? {
            return Ok(partial);
        }
        let own = self.folder.join(format!("{id}.{}.part", lease.epoch));
        let taken = || io::Error::new(io::ErrorKind::ResourceBusy, "another process runs the same run");
        Partial::open(&own, None, fingerprint)?.ok_or_else(taken)
    }

    /// The jobs whose files are here.
    pub(crate) fn jobs(&self) -> io::Result<BTreeSet<JobId>> {
        let mut jobs = BTreeSet::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.split_once('.'));
            jobs.extend(id.and_then(|(id, _)| id.parse::<JobId>().ok()));
        }
        Ok(jobs)
    }

    /// Removes the files of these jobs that nobody has open, and returns how many partial files those were.
    pub(crate) fn remove(&self, jobs: &BTreeSet<JobId>) -> io::Result<usize> {
        self.sweep_those(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            let id = name.and_then(|name| name.split_once('.'));
            id.and_then(|(id, _)| id.parse().ok())
                .is_some_and(|id| jobs.contains(&id))
        })
    }

    /// Removes files that nobody has open and that have not changed for `age`, and returns how many partial files those were.
    pub(crate) fn sweep(&self, age: Duration) -> io::Result<usize> {
        self.sweep_those(|path| is_older(path, age))
    }

    fn sweep_those(&self, is_over: impl Fn(&Path) -> bool) -> io::Result<usize> {
        let mut removed = 0;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let is_part = match path.extension().and_then(|extension| extension.to_str()) {
                Some("part") => true,
                Some("json" | "new") => false,
                _ => continue,
            };
            if !is_over(&path) {
                continue;
            }
            if !is_part {
                // A control file goes together with its partial file, unless there is none.
                if !path.with_extension("part").try_exists()? {
                    let _ = fs::remove_file(&path);
                }
                continue;
            }
            if let Some(locked) = lock(&path, false)? {
                let _ = fs::remove_file(path.with_extension("json"));
                fs::remove_file(&path)?;
                drop(locked);
                removed += 1;
            }
        }
        Ok(removed)
    }
}

fn is_older(path: &Path, age: Duration) -> bool {
    let modified = fs::metadata(path).and_then(|data| data.modified());
    modified.is_ok_and(|modified| {
        SystemTime::now()
            .duration_since(modified)
            .is_ok_and(|old| old >= age)
    })
}
