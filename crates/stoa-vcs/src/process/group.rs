//! Process groups.

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

/// A child that leads a process group, all of which dies with this.
#[derive(Debug)]
pub(crate) struct Group(pub(super) Child);

impl Group {
    /// The leader.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
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
