//! Process groups.

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

use super::Place;

/// A child that leads a process group, all of which dies with this, and the place in which it runs.
#[derive(Debug)]
pub(crate) struct Group(pub(super) Child, pub(super) Option<Place>);

impl Group {
    /// The leader.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Takes away its place: it does nothing from now on.
    pub(crate) fn rest(&mut self) {
        self.1 = None;
    }

    /// Gives it a place to go on in.
    pub(crate) fn go_on(&mut self, place: Place) {
        self.1 = Some(place);
    }

    /// Kills it, unless it was waited for.
    pub(crate) fn kill(&self) {
        // A process that was waited for has no id: another process may have the number by now.
        if let Some(id) = self.0.id() {
            kill_group(id);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Kills the group that `id`, not yet waited for, leads.
pub(super) fn kill_group(id: u32) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // It fails when the group has no process left, which is fine.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}
