//! How much of the machine one program may use.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};

use rustix::process::{Resource, Signal, getrlimit};

use crate::{Step, VcsError, VcsKind};

/// The script that sets the limits and becomes the program. All that varies is in its arguments, where nothing has a
/// meaning for a shell. Programs started by this one have the same limits, from their first instruction on.
///
/// They are also nice to others: who waits for a file in memory does not wait for a program that unpacks a repository.
const SCRIPT: &str = "ulimit -c 0 && ulimit -d \"$1\" && ulimit -f \"$2\" && shift 2 || exit; \
     if command -v nice >/dev/null; then exec nice \"$@\"; fi; exec \"$@\"";

/// How much of the machine one program may use, and each that it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramLimits {
    /// Memory that it writes to, in bytes (`RLIMIT_DATA`). Files that it only looks into, such as packs, do not count.
    pub memory: u64,
    /// The largest file that it may write, in bytes.
    pub file: u64,
}

impl Default for ProgramLimits {
    fn default() -> Self {
        Self {
            memory: 1 << 30,
            file: 8 << 30,
        }
    }
}

impl ProgramLimits {
    /// A command that runs `program`, an absolute path, within these limits. Its arguments are those of the program.
    ///
    /// Limits of another process can only be set once it runs, when it may have started others: a shell sets them before.
    pub(super) fn command(self, program: &Path) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "sh"]).args([
            size(self.memory, Resource::Data, 1024),
            size(self.file, Resource::Fsize, 512),
        ]);
        command.arg(program);
        command
    }

    /// The error of a program that one of the limits has ended, if that is how it ended.
    pub(crate) fn exceeded(
        self,
        vcs: VcsKind,
        step: Step,
        status: ExitStatus,
        said: &str,
    ) -> Option<VcsError> {
        if status.success() {
            return None;
        }
        if status.signal() == Some(Signal::XFSZ.as_raw()) {
            let limit = self.file;
            return Some(VcsError::TooLarge { vcs, step, limit });
        }
        let limit = self.memory;
        says_no_memory(said).then_some(VcsError::Memory { vcs, step, limit })
    }
}

/// Whether a program says that it got no memory. What a server says does not count.
fn says_no_memory(said: &str) -> bool {
    let own = said.split("; ").filter(|line| !line.starts_with("remote:"));
    let mut own = own.map(str::to_ascii_lowercase);
    let signs = [
        "out of memory",
        "memoryerror",
        "cannot allocate memory",
        "memory exhausted",
    ];
    own.any(|line| signs.iter().any(|sign| line.contains(sign)))
}

/// A limit in units as `ulimit` takes it; not more than is allowed to this process.
fn size(limit: u64, resource: Resource, unit: u64) -> String {
    let allowed = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    limit.min(allowed).div_euclid(unit).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_program_itself_is_believed() {
        assert!(says_no_memory(
            "fatal: Out of memory, malloc failed (tried to allocate 1500000000 bytes)"
        ));
        assert!(says_no_memory("abort: x; MemoryError"));
        assert!(!says_no_memory(
            "remote: fatal: Out of memory; fatal: the remote end hung up"
        ));
    }

    #[test]
    fn a_program_gets_its_arguments_as_they_are() {
        let limits = ProgramLimits {
            memory: 64 << 20,
            file: 1 << 20,
        };
        let mut command = limits.command(Path::new("/bin/echo"));
        let output = command
            .args(["$(id)", "a b", "-n", "'\"`;*"])
            .output()
            .expect("it runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "$(id) a b -n '\"`;*\n");
        let script = "ulimit -c; ulimit -d; ulimit -f; ulimit -H -d";
        let output = limits
            .command(Path::new("/bin/sh"))
            .args(["-c", script])
            .output()
            .expect("it runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n65536\n2048\n65536\n");
    }
}
