//! The suite that every version control system passes: each clause of the contract of [`Repository`](crate::Repository) as
//! a check, on repositories that the system's own program makes.
//!
//! A system takes part by a [`Scenario`]: how its program makes a commit or a tag, and which abilities it lacks, with the
//! reason. Its test is one line:
//!
//! ```ignore
//! conformance::run(&Hg).await;
//! ```
//!
//! The programs of the systems have to be installed; nothing leaves this machine.

mod ability;
mod ancestry;
mod archives;
mod contents;
mod copies;
mod failures;
mod origin;
mod programs;
mod reading;
mod revisions;
mod rewrites;
mod sample;
mod scenario;
mod secrets;
mod workspace;

pub use ability::{Abilities, Ability, CopyCounters};
pub use reading::{ArchivedFiles, archived_files, file, link, names, read_text, tag_names};
pub use scenario::{Change, Scenario};
pub use workspace::{Workspace, is_gone, until};

use sample::Sample;

/// Runs every check on repositories of `scenario`. Needs a runtime with several threads.
///
/// # Panics
/// At the first broken clause, and when the program of the system is not installed.
pub async fn run(scenario: &dyn Scenario) {
    let sample = Sample::new(scenario);
    revisions::run(&sample).await;
    contents::run(&sample).await;
    archives::run(&sample).await;
    ancestry::run(scenario).await;
    failures::run(scenario).await;
    programs::run(scenario).await;
    secrets::run(scenario).await;
    copies::run(scenario).await;
    rewrites::run(scenario).await;
}
