//! Running the programs of version control systems.
//!
//! A [`Runner`] knows one program and what it may see of this machine; [`Runner::call`] prepares one run of it, which
//! [`Call::run`] waits for and [`Call::stream`] hands out as a reader:
//!
//! ```ignore
//! let runner = Runner::new(VcsKind::Hg, "hg", RunnerSettings::new(home));
//! let tags = runner.call("tags", Step::Access).args(["tags", "-q"]).dir(&clone).text().await?;
//! let mut files = runner.call("archive", Step::Archive).args(["archive", "-t", "tar", "-"]).stream()?;
//! ```
//!
//! * No shell: a program, found once in the `PATH` of the settings, and a list of arguments.
//! * Its environment is what [`Runner::new`] and [`Call::env`] list, and nothing of ours.
//! * It leads a process group of its own. The whole group gets `SIGKILL` when the future or the reader is dropped, when
//!   its time is over, and when it prints more than it may.
//! * Its errors are the last lines it printed, cleaned by [`clean()`]: short, printable, without secrets.
//! * A secret belongs in a file that only we may read, never in an argument or a variable: both are visible in `/proc`.

mod call;
mod clean;
mod counters;
mod stream;

pub(crate) use call::Group;
pub use call::{Call, Output};
pub use clean::clean;
pub use counters::Counters;
pub use stream::Stream;

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::{Step, VcsError, VcsKind};

/// Where programs are looked for when nobody says otherwise.
pub const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What programs see of this machine.
#[derive(Clone, Debug)]
pub struct RunnerSettings {
    /// Their `PATH`; the program itself is looked for in it, too.
    pub path: OsString,
    /// Their `HOME`: an existing, empty folder that only we may read.
    pub home: PathBuf,
    /// Where runs are counted.
    pub counters: Arc<Counters>,
}

impl RunnerSettings {
    /// Programs from [`DEFAULT_PATH`], with this home.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self {
            path: DEFAULT_PATH.into(),
            home: home.into(),
            counters: Arc::default(),
        }
    }
}

/// Runs one program. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Runner {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    vcs: VcsKind,
    program: &'static str,
    settings: RunnerSettings,
    found: OnceLock<PathBuf>,
}

impl Runner {
    /// Runs `program` for `vcs`.
    pub fn new(vcs: VcsKind, program: &'static str, settings: RunnerSettings) -> Self {
        let inner = Inner {
            vcs,
            program,
            settings,
            found: OnceLock::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Prepares a run; `kind` is what it is counted as, `step` what its errors say was being done.
    pub fn call(&self, kind: &'static str, step: Step) -> Call {
        Call::new(self.clone(), kind, step)
    }

    /// Where runs are counted.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.inner.settings.counters
    }

    /// Which system it runs for.
    pub fn vcs(&self) -> VcsKind {
        self.inner.vcs
    }

    /// The settings it was made with.
    pub fn settings(&self) -> &RunnerSettings {
        &self.inner.settings
    }

    /// Where the program is. An absolute path, so that it can be started without a copy of this process.
    fn program(&self) -> Result<&PathBuf, VcsError> {
        if let Some(found) = self.inner.found.get() {
            return Ok(found);
        }
        let runs = |path: &PathBuf| {
            path.metadata()
                .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
        };
        let folders = std::env::split_paths(&self.inner.settings.path).filter(|folder| folder.is_absolute());
        let found = folders.map(|folder| folder.join(self.inner.program)).find(runs);
        let found = found.ok_or(VcsError::NotInstalled {
            vcs: self.inner.vcs,
            package: package(self.inner.vcs),
        })?;
        Ok(self.inner.found.get_or_init(|| found))
    }
}

/// What Debian calls the package of a system.
fn package(vcs: VcsKind) -> &'static str {
    match vcs {
        VcsKind::Git => "git",
        VcsKind::Hg => "mercurial",
        VcsKind::Svn => "subversion",
        VcsKind::Bzr => "brz",
        VcsKind::Fossil => "fossil",
    }
}
