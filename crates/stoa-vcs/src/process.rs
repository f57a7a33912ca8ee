//! Running the programs of version control systems.
//!
//! A [`Runner`] knows one program and what it may see of this machine; [`Runner::call`] prepares one run of it, which
//! [`Call::run`] waits for and [`Call::stream`] hands out as a reader:
//!
//! ```ignore
//! let runner = Runner::new(VcsKind::Hg, "hg", RunnerSettings::new(home));
//! let tags = runner.call("tags", Step::Access).args(["tags", "-q"]).dir(&clone).text().await?;
//! let mut files = runner.call("archive", Step::Archive).args(["archive", "-t", "tar", "-"]).stream().await?;
//! ```
//!
//! * A program, found once in the `PATH` of the settings, and a list of arguments. A shell sets its limits, by a script
//!   that never changes, and becomes the program: nothing of the arguments means anything to it. See [`ProgramLimits`].
//! * It runs in one of a bounded number of [`Places`], and waits for one for a bounded time.
//! * Its environment is what [`Runner::new`] and [`Call::env`] list, and nothing of ours.
//! * It leads a process group of its own. The whole group gets `SIGKILL` when the future or the reader is dropped, when
//!   its time is over, and when it prints more than it may.
//! * Its errors are the last lines it printed, cleaned by [`clean()`]: short, printable, without secrets.
//! * A secret belongs in a file that only we may read, never in an argument or a variable: both are visible in `/proc`.

mod attendance;
mod believed;
mod call;
mod clean;
mod counters;
mod group;
mod limits;
mod line;
mod output;
mod places;
mod runner;
mod silence;
mod stream;
mod wanted;

pub use attendance::Attendance;
pub use believed::Believed;
pub use call::Call;
pub use clean::clean;
pub use counters::Counters;
pub(crate) use group::Group;
pub use limits::ProgramLimits;
pub use output::Output;
pub(crate) use places::Place;
pub use places::{HostPlaces, PlaceKind, Places, PlacesOptions};
pub use runner::{Runner, RunnerSettings};
pub use stream::Stream;
pub(crate) use wanted::{Unseen, while_wanted};
