//! One program, and what it sees of this machine.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::{Believed, Counters, HostPlaces, Place, PlaceKind, ProgramLimits};
use crate::{Step, VcsError, VcsKind};

/// Where programs are looked for by default.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What programs see of this machine.
#[derive(Clone, Debug)]
pub struct RunnerSettings {
    /// Their `PATH`; the program itself is looked for in it, too.
    pub path: OsString,
    /// Their `HOME`: an existing, empty folder that only we may read.
    pub home: PathBuf,
    /// Where runs are counted.
    pub counters: Arc<Counters>,
    /// How much of the machine each may use.
    pub limits: ProgramLimits,
    /// How many may run at once.
    pub places: HostPlaces,
    /// Whose certificates they believe; `None` for those that each finds itself.
    pub believed: Option<Believed>,
}

impl RunnerSettings {
    /// Programs from `/usr/local/bin`, `/usr/bin` and `/bin`, with this home, within the default limits and with places
    /// that they share with nobody.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self {
            path: DEFAULT_PATH.into(),
            home: home.into(),
            counters: Arc::default(),
            limits: ProgramLimits::default(),
            places: HostPlaces::default(),
            believed: None,
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

    /// A place for a run, as soon as there is one.
    pub(crate) async fn place(&self, kind: PlaceKind, step: Step) -> Result<Place, VcsError> {
        let place = self.inner.settings.places.take(kind).await;
        place.map_err(|error| VcsError::Overloaded {
            vcs: self.inner.vcs,
            step,
            why: error.to_string(),
        })
    }

    /// Where the program is. An absolute path, so that it can be started without a copy of this process.
    pub(super) fn program(&self) -> Result<&PathBuf, VcsError> {
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
