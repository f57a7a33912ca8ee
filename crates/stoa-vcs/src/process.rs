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
mod group;
mod output;
mod runner;
mod stream;

pub use call::Call;
pub use clean::clean;
pub use counters::Counters;
pub(crate) use group::Group;
pub use output::Output;
pub use runner::{Runner, RunnerSettings};
pub use stream::Stream;
